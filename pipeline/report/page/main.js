// Puts the sections together and draws them again when something is chosen.
const widthOf = (id) => Math.max(280, Math.floor(at(id).clientWidth || document.documentElement.clientWidth - 32));
const flagsOf = (rows) => [...new Set(rows.map((row) => row.flag ?? 'unknown'))].filter((flag) => flag !== 'all').sort();

function layHead() {
  at('mark').hidden = !DATA.is_simulated;
  for (const mark of document.querySelectorAll('.watermark')) mark.hidden = !DATA.is_simulated;
  at('about').textContent = `Caspian Sea and Volga–Don waterway · data until ${DATA.data_end.slice(0, 16).replace('T', ' ')} UTC · run ${DATA.run}, method ${DATA.method_version}, rules ${DATA.rules_hash}${DATA.is_simulated ? ' · SIMULATED feed' : ''}`;
  put('nav', [...document.querySelectorAll('section')].map((section) => el('a', {
    href: `#${section.id}`,
    onclick: (event) => { event.preventDefault(); section.scrollIntoView(); section.querySelector('h2, h3')?.setAttribute('tabindex', '-1'); section.querySelector('h2, h3')?.focus({ preventScroll: true }); },
  }, section.dataset.title)));
  put('not-measured', DATA.not_measured.map((words) => el('li', null, words)));
}

function layFilters() {
  const options = (id, pairs) => put(id, pairs.map(([value, words]) => el('option', { value }, words)));
  const months = SHOWN_MONTHS.map((month) => [month, month]);
  options('f-from', months);
  options('f-to', months);
  options('f-flag', [['all', 'all flags'], ...flagsOf(TABLE.gaps.concat(TABLE.calls)).map((flag) => [flag, flag])]);
  options('f-grade', [['all', 'any, or none'], ['likely', 'A, B or C'], ...['A', 'B', 'C', 'D', 'X'].map((grade) => [grade, `only ${grade}`]), ['none', 'no graded call']]);
  const rungs = [...new Set(TABLE.monthly_gaps.map((row) => row.at_least_h))].sort((a, b) => a - b);
  if (!rungs.includes(LIMITS.least_h)) rungs.push(LIMITS.least_h);
  options('f-hours', rungs.map((hours) => [String(hours), `${hours} h`]));
  options('f-p', [['0', 'any'], ['0.2', '0.2'], ['0.5', '0.5'], ['0.8', '0.8'], ['0.95', '0.95']]);
  options('f-scope', DATA.headlines.map((one) => [one.scope, one.scope === 'ru_ir_crossing' ? 'headline' : one.scope]));
  options('f-fleet', [['merchant', 'merchant ships'], ['all', 'all ships']]);
  for (const [id, name] of FIELDS) at(id).addEventListener('input', () => choose({ [name]: at(id).value }));
  at('filter-form').addEventListener('submit', (event) => event.preventDefault());
  at('filter-form').addEventListener('reset', (event) => { event.preventDefault(); choose({ ...DEFAULTS }); });
  at('chosen-clear').addEventListener('click', () => choose({ ship: '', gap: '' }));
}
const FIELDS = [['f-from', 'from'], ['f-to', 'to'], ['f-flag', 'flag'], ['f-grade', 'grade'], ['f-hours', 'hours'], ['f-p', 'p'], ['f-scope', 'scope'], ['f-fleet', 'fleet'], ['f-text', 'text']];

function showIndicator() {
  const told = DATA.headlines.find((one) => one.scope === STATE.scope) ?? DATA.headlines[0];
  put('rating', el('h2', null, 'The indicator says'), el('p', { class: 'rated' }, told.rating ?? 'Not rated'), el('p', null, told.headline),
    el('p', { class: 'note' }, `${told.title}. High is above ${LIMITS.high_above} calls a year, Medium ${LIMITS.medium_from} to ${LIMITS.high_above}, Low below ${LIMITS.medium_from}.`));
  put('sure', told.sure.map((words) => el('li', null, words)));
  put('since', told.since.map((words) => el('li', null, words)));
  const year = new Map(TABLE.indicator.filter((row) => row.scope === told.scope).map((row) => [row.month, row]));
  const calls = new Map(TABLE.monthly_calls.filter((row) => row.scope === told.scope && row.flag === 'all').map((row) => [row.month, row]));
  const of = (rows, name) => ALL_MONTHS.map((month) => rows.get(month)?.[name] ?? null);
  const width = widthOf('indicator-chart');
  const isRated = of(year, 'expected_12m').some((value) => value !== null);
  const trailing = { name: 'expected calls, twelve months to', values: of(year, 'expected_12m'), low: of(year, 'expected_12m_low'), high: of(year, 'expected_12m_high'), class: 'c-dark' };
  const monthly = { name: 'expected dark calls in the month', values: of(calls, 'expected_calls'), low: of(calls, 'expected_calls_low'), high: of(calls, 'expected_calls_high'), class: 'c-dark' };
  const limits = [{ name: `High above ${LIMITS.high_above}`, value: LIMITS.high_above }, { name: `Medium from ${LIMITS.medium_from}`, value: LIMITS.medium_from }];
  const chances = ['p_low', 'p_medium', 'p_high'];
  put('indicator-chart',
    isRated ? monthFigure('Expected dark port calls in the twelve months to each month', ALL_MONTHS, [trailing], width, { limits }) : null,
    chances.some((name) => of(year, name).some((value) => value !== null))
      ? monthFigure('Probability of each class', ALL_MONTHS, chances.map((name, number) => ({ name: name.replace('p_', ''), values: of(year, name), class: ['c-lit', 'c-mid', 'c-dark'][number], dash: number === 1 })), width, { height: 140 }) : null,
    monthFigure('Dark and unheard port calls by month', ALL_MONTHS, [monthly, { name: 'expected unheard calls', values: of(calls, 'expected_unheard'), class: 'c-unheard', dash: true }], width, { marks: monthsOfShip(TABLE.calls) }));
}

function monthsOfShip(rows) {
  const ship = chosenShip();
  return new Set(ship === null ? [] : rows.filter((row) => row.ship === ship).map((row) => row.month));
}

function showMonthly() {
  const flags = STATE.flag === 'all' ? ['RUS', 'IRN', 'all'] : [STATE.flag, 'all'];
  const hours = Number(STATE.hours);
  const boxes = flags.map(() => el('div', { class: 'panel' }));
  put('monthly-charts', boxes);
  const width = Math.floor(boxes[0].clientWidth || widthOf('monthly-charts'));
  const marks = monthsOfShip(TABLE.gaps);
  flags.forEach((flag, number) => {
    const rows = new Map(TABLE.monthly_gaps.filter((row) => row.flag === flag && row.fleet === STATE.fleet && row.at_least_h === hours).map((row) => [row.month, row]));
    const of = (name) => ALL_MONTHS.map((month) => rows.get(month)?.[name] ?? null);
    const published = (measure) => ALL_MONTHS.map((month) => DATA.beside.find((row) => row.month?.slice(0, 7) === month && row.flag === flag && row.measure === measure)?.published ?? null);
    const name = flag === 'all' ? 'All flags' : flag === 'RUS' ? 'Flag of Russia' : flag === 'IRN' ? 'Flag of Iran' : `Flag ${flag}`;
    boxes[number].append(
      monthFigure(`${name}: gaps of ${hours} h and more`, ALL_MONTHS, [
        { name: 'closed gaps, uncorrected', values: of('gaps'), class: 'c-ink' },
        { name: 'of these with the set off, expected', values: of('expected_off'), low: of('expected_off_low'), high: of('expected_off_high'), class: 'c-dark', dash: true },
        { name: 'published (LLI in CNA; ↑ above this scale)', values: published('gaps'), class: 'c-mid', kind: 'points' }], width, { marks }),
      monthFigure(`${name}: ships`, ALL_MONTHS, [
        { name: 'seen', values: of('ships_seen'), class: 'c-lit' }, { name: 'with such a gap', values: of('ships_with_gap'), class: 'c-ink', dash: true },
        { name: 'published (LLI in CNA; ↑ above this scale)', values: published('ships'), class: 'c-mid', kind: 'points' }], width, { height: 150 }),
      monthFigure(`${name}: exposure, ship-hours`, ALL_MONTHS, [
        { name: 'there', values: of('ship_hours'), class: 'c-lit' }, { name: 'where somebody could be heard', values: of('observable_ship_hours'), class: 'c-ink', dash: true }], width, { height: 130 }));
  });
}

function layBeside() {
  put('beside', el('p', { class: 'note' }, 'Published figures beside our nearest comparable: merchant ships, everywhere, silences of 30 h and more, uncorrected. Threshold and area of the published ones are not known; nothing is tuned to them.'),
    layTable('Published counts and ours', [
      ['Month', (row) => row.month?.slice(0, 7)], ['Flag', (row) => row.flag], ['Measure', (row) => row.measure], ['Published', (row) => showNumber(row.published), 'n'],
      ['Ours', (row) => (row.ours === null ? 'no data' : showNumber(row.ours)), 'n'], ['Ships seen', (row) => showNumber(row.ships_seen), 'n'], ['Ship-hours', (row) => showNumber(row.ship_hours, 0), 'n'], ['Status', (row) => row.status], ['Source', (row) => row.source, 'w']], DATA.beside),
    foldTable('All published figures', () => layTable('All published figures', [
      ['Measure', (row) => row.measure], ['From', (row) => row.period_from], ['To', (row) => row.period_to], ['Flag', (row) => row.flag], ['Area', (row) => row.area, 'w'], ['At least, h', (row) => showNumber(row.at_least_h), 'n'],
      ['Value', (row) => showNumber(row.value), 'n'], ['Unit', (row) => row.unit], ['Source', (row) => row.source, 'w'], ['Note', (row) => row.note, 'w']], DATA.published)));
}

function showPorts() {
  const flag = ['RUS', 'IRN'].includes(STATE.flag) ? STATE.flag : 'all';
  const ports = new Map();
  const measures = ['expected_calls', 'expected_unheard', 'lit_calls', 'glimpsed', 'calls_a', 'calls_b', 'calls_c', 'calls_d', 'near_port_gaps'];
  for (const row of TABLE.port_calls) {
    if (row.scope !== STATE.scope || row.flag !== flag || !fitsMonth(row.month)) continue;
    const label = `${row.port_group} (${row.port_country})`;
    if (!ports.has(label)) ports.set(label, Object.fromEntries([['label', label], ['group', row.port_group], ...measures.map((name) => [name, 0])]));
    for (const name of measures) ports.get(label)[name] += row[name] ?? 0;
  }
  const share = (row) => { const all = row.expected_calls + row.expected_unheard + row.lit_calls; return all ? row.expected_calls / all : null; };
  const rows = [...ports.values()].sort((a, b) => b.expected_calls - a.expected_calls || b.lit_calls - a.lit_calls || (a.label < b.label ? -1 : 1));
  const ship = chosenShip();
  const own = new Set(ship === null ? [] : TABLE.calls.filter((call) => call.ship === ship && isGraded(call.grade)).map((call) => call.port_group));
  const drawn = rows.filter((row) => row.expected_calls + row.expected_unheard + row.lit_calls >= 0.01).slice(0, 25);
  const parts = [{ name: 'dark, expected', of: (row) => row.expected_calls, class: 'c-dark', kind: 'bars' }, { name: 'unheard, expected', of: (row) => row.expected_unheard, class: 'c-unheard', kind: 'bars' }, { name: 'lit', of: (row) => row.lit_calls, class: 'c-lit', kind: 'bars' }];
  const words = rows.length ? `Most dark calls expected at ${rows[0].label}: ${showNumber(rows[0].expected_calls)} from ${STATE.from} to ${STATE.to}. Flags: ${flag}${flag === STATE.flag ? '' : ' (ports are split by RUS, IRN and all only)'}; scope ${STATE.scope}.` : 'No calls of this scope in these months.';
  const table = () => layTable('Calls by port group', [
    ['Port group', (row) => row.label], ['Dark, expected', (row) => showNumber(row.expected_calls, 2), 'n'], ['Unheard, expected', (row) => showNumber(row.expected_unheard, 2), 'n'], ['Lit', (row) => showNumber(row.lit_calls), 'n'], ['Dark share', (row) => { const value = share(row); return value === null ? '–' : `${(value * 100).toFixed(1)} %`; }, 'n'],
    ['Glimpsed', (row) => showNumber(row.glimpsed), 'n'], ['Rows A', (row) => showNumber(row.calls_a), 'n'], ['B', (row) => showNumber(row.calls_b), 'n'], ['C', (row) => showNumber(row.calls_c), 'n'], ['D', (row) => showNumber(row.calls_d), 'n'], ['Gaps near it (no calls)', (row) => showNumber(row.near_port_gaps), 'n']], rows, (row) => ({ 'aria-selected': own.has(row.group) ? 'true' : null }));
  put('ports-chart', layFigure('Calls by port group', words, drawBars({ rows: drawn, parts, width: widthOf('ports-chart'), label: `Calls by port group. ${words}`, pick: (row) => own.has(row.group) }), showKeys(parts), table));
}

function showRows() {
  MAP.gaps = pickGaps();
  MAP.calls = pickCalls();
  const ship = chosenShip();
  const numbers = [MAP.gaps.length, TABLE.gaps.length, MAP.calls.length, TABLE.calls.length].map((number) => number.toLocaleString('en-GB'));
  at('count').textContent = `Shown: ${numbers[0]} of ${numbers[1]} gaps and ${numbers[2]} of ${numbers[3]} graded calls on this page. Gaps of calls of grade A to C are shown whatever their length; other gaps below ${LIMITS.least_h} h are on this page only where they belong to a call.`;
  layRows('calls-table', 'Graded calls shown', CALL_COLUMNS, MAP.calls, { sort: 'Dark call', pick: (call) => call.gaps.includes(STATE.gap) || (ship !== null && call.ship === ship) });
  layRows('gaps-table', 'Gaps shown', GAP_COLUMNS, MAP.gaps, { sort: 'Last heard (UTC)', pick: (gap) => gap.gap_id === STATE.gap || (ship !== null && gap.ship === ship) });
  const asked = TABLE.ships.filter((one) => fitsFlag(one.flag) && fitsShip(one.at));
  layRows('ships-table', 'Ships', SHIP_COLUMNS, asked, { sort: 'Calls A–C', pick: (one) => one.at === ship });
  drawMap();
}

function showReception() {
  const cells = new Map();
  for (const row of TABLE.cells) {
    if (!fitsMonth(row.month)) continue;
    const key = `${row.cell_lon_deg} ${row.cell_lat_deg}`;
    const cell = cells.get(key) ?? { lon: row.cell_lon_deg, lat: row.cell_lat_deg, hours: 0, live: 0, ships: 0, heard: 0 };
    cell.hours += row.hours; cell.live += row.live_hours; cell.ships += row.ship_hours; cell.heard += row.heard_ship_hours;
    cells.set(key, cell);
  }
  const rows = [...cells.values()].sort((a, b) => b.ships - a.ships);
  const box = mapBounds();
  const width = Math.min(widthOf('reception-map'), 560);
  const scale = width / (toX(box.east + 0.6) - toX(box.west - 0.6));
  const height = Math.round(scale * (toY(box.south - 0.4) - toY(box.north + 0.4)));
  const x = (lon) => (toX(lon) - toX(box.west - 0.6)) * scale;
  const y = (lat) => (toY(lat) - toY(box.north + 0.4)) * scale;
  const path = (line) => { let text = ''; for (let number = 0; number < line.length; number += 2) text += `${number ? 'L' : 'M'}${x(line[number]).toFixed(1)} ${y(line[number + 1]).toFixed(1)}`; return text; };
  const hours = sum(rows.map((row) => row.hours));
  const words = hours ? `From ${STATE.from} to ${STATE.to} somebody was heard in ${((100 * sum(rows.map((row) => row.live))) / hours).toFixed(0)} % of the hours in which a ship was in a cell.` : 'No ship was known to be anywhere in these months.';
  const chart = sv('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': `Map of reception. ${words}` });
  for (const row of rows) {
    const share = row.live / row.hours;
    chart.append(sv('rect', { x: x(row.lon), y: y(row.lat + 0.5), width: 0.5 * scale, height: y(row.lat) - y(row.lat + 0.5), class: 'c-lit dot', opacity: 0.06 + 0.84 * share }, sv('title', null, `${row.lon}° E ${row.lat}° N: somebody heard in ${(share * 100).toFixed(0)} % of ${row.hours.toLocaleString('en-GB')} hours`)));
  }
  chart.append(sv('path', { d: DATA.map.waters.map(path).join(' '), class: 'line c-ink', opacity: 0.6 }), sv('path', { d: DATA.map.lines.map(path).join(' '), class: 'line c-ink', opacity: 0.35 }));
  const ship = chosenShip();
  for (const gap of ship === null ? [] : TABLE.gaps.filter((one) => one.ship === ship)) chart.append(sv('circle', { cx: x(gap.off_lon), cy: y(gap.off_lat), r: 4, class: 'line c-pick' }, sv('title', null, `the selected ship went silent here ${showTime(gap.off_at)}`)));
  chart.append(ghost(width, height) ?? '');
  const key = el('ul', { class: 'keys' }, [0, 25, 50, 75, 100].map((share) => el('li', null, sv('svg', { width: 22, height: 12, 'aria-hidden': 'true' }, sv('rect', { width: 20, height: 11, class: 'c-lit dot', opacity: 0.06 + 0.0084 * share })), `${share} %`)), ship === null ? null : el('li', null, 'circles: where the selected ship went silent'));
  put('reception-map', layFigure('Share of hours in which somebody was heard', words, chart, key, () => layTable('Cells, those with most ship-hours first', [
    ['Longitude from', (row) => showNumber(row.lon, 1), 'n'], ['Latitude from', (row) => showNumber(row.lat, 1), 'n'], ['Hours with a ship', (row) => showNumber(row.hours), 'n'], ['Somebody heard', (row) => `${((100 * row.live) / row.hours).toFixed(1)} %`, 'n'], ['Ship-hours', (row) => showNumber(row.ships), 'n'], ['Of these heard, at least', (row) => `${((100 * row.heard) / Math.max(1, row.ships)).toFixed(1)} %`, 'n']], rows)));
}

function layHealth() {
  const units = new Map();
  for (const row of TABLE.health) {
    const label = [row.feed, row.receiver, row.station].filter(Boolean).join(' · ');
    const unit = units.get(label) ?? { label: row.station || `${row.feed} ${row.receiver}`, whole: label, shares: new Map(), hours: 0, out: 0, messages: 0 };
    unit.shares.set(row.month, row.outage_hours / row.hours);
    unit.hours += row.hours; unit.out += row.outage_hours; unit.messages += row.messages;
    units.set(label, unit);
  }
  const rows = [...units.values()].sort((a, b) => b.out / b.hours - a.out / a.hours);
  const outages = new Map();
  for (const row of TABLE.outages) outages.set(row.area, (outages.get(row.area) ?? 0) + row.hours);
  const words = rows.length ? `${rows.length} receivers since ${SHOWN_MONTHS[0]}; most outage: ${rows[0].whole}, ${((100 * rows[0].out) / rows[0].hours).toFixed(1)} % of its hours.` : 'No receiver is told of.';
  const areas = outages.size ? ` Hours in which nobody could be heard in a whole area: ${[...outages].map(([area, hours]) => `${area} ${hours}`).join(', ')}.` : ' In no hour was a whole area without receivers.';
  const key = el('ul', { class: 'keys' }, [0, 0.02, 0.1, 0.5, 1].map((share) => el('li', null, sv('svg', { width: 22, height: 12, 'aria-hidden': 'true' }, sv('rect', { width: 20, height: 11, class: 'c-dark dot', opacity: shade(share) })), `${share * 100} %`)),
    rows.length > 24 ? el('li', null, `the 24 of ${rows.length} with most outage; all in the table`) : null);
  put('health-chart', layFigure('Share of hours out, by receiver and month', words + areas, drawStrips({ rows: rows.slice(0, 24), months: SHOWN_MONTHS, width: widthOf('health-chart'), label: `Feed health. ${words}` }), key,
    () => layTable('Receivers', [['Receiver', (row) => row.whole], ['Hours', (row) => showNumber(row.hours), 'n'], ['Out', (row) => showNumber(row.out), 'n'], ['Share', (row) => `${((100 * row.out) / row.hours).toFixed(2)} %`, 'n'], ['Positions', (row) => showNumber(row.messages), 'n']], rows)));
}

function laySensitivity() {
  const names = Object.keys(DATA.optional);
  put('sensitivity-box', names.includes('sensitivity') ? null : el('p', null, 'The table sensitivity is not published by this run: how much the figures would move with other thresholds cannot be said here.'),
    names.map((name) => layTable(name, DATA.optional[name].columns.map((column, number) => [column, (row) => (typeof row[number] === 'number' ? showNumber(row[number]) : row[number] === null ? '–' : String(row[number])), 'w']), DATA.optional[name].rows)));
}

function layCoverage() {
  put('left-out', DATA.left_out.map((words) => el('li', null, words)));
  const months = TABLE.monthly_gaps.filter((row) => row.flag === 'all' && row.fleet === 'all' && row.at_least_h === Math.min(...TABLE.monthly_gaps.map((one) => one.at_least_h)));
  const transits = new Map(TABLE.transits.map((row) => [row.month, row]));
  put('coverage-table', layTable('This run', [['', (row) => row[0]], ['', (row) => row[1], 'w']], DATA.coverage),
    foldTable('Coverage by month', () => layTable('Coverage by month', [
      ['Month', (row) => row.month], ['Status of gaps', (row) => row.status], ['Ships seen', (row) => showNumber(row.ships_seen), 'n'], ['Ship-hours', (row) => showNumber(row.ship_hours, 0), 'n'], ['heard', (row) => showNumber(row.heard_hours, 0), 'n'], ['observable', (row) => showNumber(row.observable_ship_hours, 0), 'n'],
      ['Outage hours', (row) => showNumber(row.outage_hours), 'n'], ['Gaps', (row) => showNumber(row.gaps), 'n'], ['Open', (row) => showNumber(row.open_gaps), 'n'], ['Left the region', (row) => showNumber(row.left_region), 'n'],
      ...['lit', 'dark', 'unheard'].map((word) => [`Volga–Don passages, ${word}`, (row) => showNumber(transits.get(row.month)?.[word] ?? 0), 'n'])], months)),
    foldTable('Every threshold of this run', () => layTable('Every threshold of this run', [['Name', (row) => row[0]], ['Value', (row) => row[1]], ['Unit', (row) => row[2], 'w'], ['Source', (row) => row[3], 'w'], ['Changed', (row) => (row[4] ? 'yes' : '')]], DATA.rules)));
}

function showChosen() {
  const ship = chosenShip();
  const isChosen = ship !== null;
  at('chosen').hidden = !isChosen;
  at('chosen-name').textContent = isChosen ? `Selected everywhere: ${nameShip(ship)} (${TABLE.ships[ship].flag ?? 'flag unknown'}) ` : '';
  for (const [id, name] of FIELDS) if (at(id).value !== STATE[name]) at(id).value = STATE[name];
}

let drawnFor = {};
function render() {
  const part = (name, depends, show) => {
    const key = depends.map((one) => STATE[one]).join('\n');
    if (drawnFor[name] === key) return;
    drawnFor[name] = key;
    show();
  };
  const filters = ['from', 'to', 'flag', 'grade', 'hours', 'p', 'scope', 'text'];
  showChosen();
  part('indicator', ['scope', 'ship'], showIndicator);
  part('rows', [...filters, 'ship', 'gap'], showRows);
  part('detail', ['gap'], showDetail);
  part('monthly', ['flag', 'hours', 'fleet', 'ship'], showMonthly);
  part('ports', ['from', 'to', 'flag', 'scope', 'ship'], showPorts);
  part('story', ['ship'], showStory);
  part('reception', ['from', 'to', 'ship'], showReception);
}

function redraw() {
  drawnFor = {};
  render();
  layHealth();
}

function start() {
  layHead();
  layFilters();
  readAddress();
  layLegend();
  layBeside();
  laySensitivity();
  layCoverage();
  put('ships-about', `Since ${SHOWN_MONTHS[0]}, ${TABLE.ships.length.toLocaleString('en-GB')} ships with rows on this page. Choose one for its story; it is then marked everywhere.`);
  listenToMap();
  LISTENERS.push(render);
  redraw();
  let wait = 0;
  let width = document.documentElement.clientWidth;
  window.addEventListener('resize', () => {
    clearTimeout(wait);
    wait = setTimeout(() => { if (document.documentElement.clientWidth !== width) { width = document.documentElement.clientWidth; MAP.view = null; redraw(); } }, 150);
  });
  window.addEventListener('hashchange', () => { readAddress(); render(); });
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}
start();
