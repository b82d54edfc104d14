// Puts the sections together and draws them again when something is chosen.
const widthOf = (id) => Math.max(280, Math.floor(at(id).clientWidth || document.documentElement.clientWidth - 32));
const flagsOf = (rows) => [...new Set(rows.map((row) => row.flag ?? 'unknown'))].filter((flag) => flag !== 'all').sort();

function layHead() {
  at('mark').hidden = !DATA.is_simulated;
  for (const mark of document.querySelectorAll('.watermark')) mark.hidden = !DATA.is_simulated;
  at('about').textContent = `Caspian Sea and Volga–Don waterway · data until ${DATA.data_end.slice(0, 16).replace('T', ' ')} UTC · method ${DATA.method_version}, rules ${DATA.rules_hash}${DATA.is_simulated ? ' · SIMULATED feed' : ''}`;
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
  put('rating', el('h2', null, 'The indicator says'), el('p', { class: 'rated' }, told.rating ? told.rating[0].toUpperCase() + told.rating.slice(1) : 'Not rated'), el('p', null, told.headline),
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
      ? monthFigure('Probability of each class', ALL_MONTHS, chances.map((name, number) => ({ name: name.replace('p_', ''), values: of(year, name), class: ['c-lit', 'c-mid', 'c-dark'][number], dash: ['far', 'dash', null][number] })), width, { height: 140 }) : null,
    monthFigure('Dark and unheard port calls by month', ALL_MONTHS, [monthly, { name: 'expected unheard calls', values: of(calls, 'expected_unheard'), class: 'c-unheard', dash: 'dash' }], width, { marks: monthsOfShip(TABLE.calls) }), layYears(told.scope));
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
        { name: 'of these with the set off, expected', values: of('expected_off'), low: of('expected_off_low'), high: of('expected_off_high'), class: 'c-dark', dash: 'dash' },
        { name: 'spike: more than the months before foresee', values: spikesOf(flag, hours), class: 'c-dark', kind: 'points' },
        { name: 'published (LLI in CNA; ↑ above this scale)', values: published('gaps'), class: 'c-mid', kind: 'points' }], width, { marks }),
      monthFigure(`${name}: ships`, ALL_MONTHS, [
        { name: 'seen', values: of('ships_seen'), class: 'c-lit' }, { name: 'with such a gap', values: of('ships_with_gap'), class: 'c-ink', dash: 'dash' },
        { name: 'published (LLI in CNA; ↑ above this scale)', values: published('ships'), class: 'c-mid', kind: 'points' }], width, { height: 150 }),
      monthFigure(`${name}: exposure, ship-hours`, ALL_MONTHS, [
        { name: 'there', values: of('ship_hours'), class: 'c-lit' }, { name: 'where somebody could be heard', values: of('observable_ship_hours'), class: 'c-ink', dash: 'dash' }], width, { height: 130 }));
  });
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
