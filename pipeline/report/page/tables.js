// Sorted tables that show some rows at a time, the details of a gap, and a ship's story.
const TABLES = {};

function layRows(id, title, columns, rows, options) {
  const kept = TABLES[id] ?? (TABLES[id] = { sort: options.sort, down: options.down ?? true, most: options.most ?? 12 });
  const [, value, , key] = columns.find(([name]) => name === kept.sort) ?? columns[0];
  const keyed = rows.map((row) => [(key ?? value)(row), row]);
  const way = kept.down ? -1 : 1;
  keyed.sort(([a], [b]) => (a === b ? 0 : a === null || a === undefined ? 1 : b === null || b === undefined ? -1 : (a < b ? -1 : 1) * way));
  const shown = keyed.slice(0, kept.most).map(([, row]) => row);
  const again = () => { const open = document.activeElement?.textContent; layRows(id, title, columns, rows, options); refocus(id, open); };
  const head = columns.map(([name, , kind]) => el('th', {
    scope: 'col', class: kind === 'n' ? 'n' : null, 'aria-sort': name === kept.sort ? (kept.down ? 'descending' : 'ascending') : null,
  }, el('button', { type: 'button', onclick: () => { kept.down = kept.sort === name ? !kept.down : kind === 'n'; kept.sort = name; again(); } }, name)));
  const body = shown.map((row) => el('tr', { 'aria-selected': options.pick(row) ? 'true' : null }, columns.map(([, of, kind]) => el('td', { class: kind === 'n' ? 'n' : kind === 'w' ? 'words' : null }, of(row) ?? '–'))));
  const caption = `${title}: ${rows.length ? `${shown.length.toLocaleString('en-GB')} of ${rows.length.toLocaleString('en-GB')}` : 'none'}`;
  put(id, el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    el('table', null, el('caption', null, caption), el('thead', null, el('tr', null, head)), el('tbody', null, body))),
  rows.length > shown.length ? el('button', { type: 'button', class: 'more', onclick: () => { kept.most += 50; again(); } }, 'Show 50 more') : null);
}

function refocus(id, text) {
  [...at(id).querySelectorAll('button')].find((button) => button.textContent === text)?.focus({ preventScroll: true });
}

const shipButton = (number) => (number === null ? nameShip(number)
  : el('button', { type: 'button', onclick: () => { chooseShip(TABLE.ships[number]); } }, nameShip(number)));
const place = (area, group) => [area, group && group !== 'none' ? `near ${group}` : null].filter(Boolean).join(', ') || 'outside';

const GAP_COLUMNS = [
  ['Last heard (UTC)', (gap) => el('button', { type: 'button', onclick: () => { chooseGap(gap); } }, showTime(gap.off_at)), '', (gap) => gap.off_at],
  ['Heard again (UTC)', (gap) => showTime(gap.on_at), '', (gap) => gap.on_at],
  ['Hours', (gap) => showHours(gap.length_s), 'n', (gap) => gap.length_s],
  ['Ship', (gap) => shipButton(gap.ship), '', (gap) => nameShip(gap.ship)],
  ['Flag', (gap) => gap.flag ?? 'unknown'],
  ['Went silent in', (gap) => place(gap.off_area, gap.off_port_group), 'w'],
  ['Set off', (gap) => showProbability(gap.p_off), 'n', (gap) => gap.p_off],
  ['90 % interval', (gap) => (gap.p_off_low === null ? '–' : `${showProbability(gap.p_off_low)} to ${showProbability(gap.p_off_high)}`), 'n', (gap) => gap.p_off_low],
  ['Why silent', (gap) => CAUSE_WORDS[gap.cause] ?? 'not judged', 'w'],
  ['Call', (gap) => gap.call ?? ''],
];
const CALL_COLUMNS = [
  ['Can have been there from (UTC)', (call) => el('button', { type: 'button', onclick: () => { chooseCall(call); } }, showTime(call.window_from)), '', (call) => call.window_from],
  ['until', (call) => showTime(call.window_to), '', (call) => call.window_to],
  ['Grade', (call) => call.grade],
  ['Port group', (call) => `${call.port_group} (${call.port_country})`],
  ['Ship', (call) => shipButton(call.ship), '', (call) => nameShip(call.ship)],
  ['Flag', (call) => call.flag ?? 'unknown'],
  ['Dark call', (call) => showProbability(call.p_call), 'n', (call) => call.p_call],
  ['Set off', (call) => showProbability(call.p_off), 'n', (call) => call.p_off],
  ['Other evidence', (call) => (call.families ?? 'none').replaceAll(';', ', ')],
  ['Labels of yours', (call) => tellLabels(call).join(', ') || 'none', 'w'],
];
const SHIP_COLUMNS = [
  ['Ship', (ship) => shipButton(ship.at), '', (ship) => nameShip(ship.at)],
  ['Flag', (ship) => ship.flag ?? 'unknown'],
  ['IMO or MMSI', (ship) => String(ship.imo ?? ship.mmsi)],
  ['Calls A–C', (ship) => showNumber(ship.calls_a + ship.calls_b + ship.calls_c), 'n', (ship) => ship.calls_a + ship.calls_b + ship.calls_c + ship.probable_offs / 1e6],
  ['Not assessable (D)', (ship) => showNumber(ship.calls_d), 'n', (ship) => ship.calls_d],
  ['Sets probably off', (ship) => showNumber(ship.probable_offs), 'n', (ship) => ship.probable_offs],
  ['in months', (ship) => showNumber(ship.months_off), 'n', (ship) => ship.months_off],
  ['Expected off', (ship) => showNumber(ship.expected_off, 1), 'n', (ship) => ship.expected_off],
  [`Gaps ${LIMITS.least_h} h+`, (ship) => showNumber(ship.long_gaps), 'n', (ship) => ship.long_gaps],
  ['Russia–Iran legs', (ship) => showNumber(ship.crossings), 'n', (ship) => ship.crossings],
  ['of these dark', (ship) => showNumber(ship.dark_crossings), 'n', (ship) => ship.dark_crossings],
  ['Lit calls', (ship) => showNumber(ship.lit_calls), 'n', (ship) => ship.lit_calls],
];

// What users brought stands beside the grade, never over it.
function tellLabels(call) {
  const review = call.last_verdict ? `reviewed: ${[call.last_verdict, call.last_reviewed_by, call.last_reviewed_on].filter(Boolean).join(', ')}` : null;
  return [call.on_watch_list ? 'watch list (no evidence)' : null, review].filter(Boolean);
}

function chooseCall(call) {
  const id = call.gaps.find((gap) => GAP_BY_ID.has(gap)) ?? '';
  choose({ gap: id, ship: call.ship === null ? '' : TABLE.ships[call.ship].ship_id });
}

function tellGap(gap) {
  const call = CALL_OF_GAP.get(gap.gap_id);
  const ship = gap.ship === null ? null : TABLE.ships[gap.ship];
  return [
    el('h3', null, nameShip(gap.ship), ` · ${gap.flag ?? 'flag unknown'}`),
    el('p', { class: 'note' }, ship ? `${ship.fleet}, MMSI ${ship.mmsi}, ${ship.imo ? `IMO ${ship.imo}` : 'no trusted IMO number'}` : '', ` · gap ${gap.gap_id}`),
    el('p', null, el('span', { class: 'badge' }, gap.p_off === null ? 'not judged whether its set was off' : `set off: ${showProbability(gap.p_off, 3)}`), ' ',
      gap.p_off_low === null ? '' : `90 % interval ${showProbability(gap.p_off_low, 3)} to ${showProbability(gap.p_off_high, 3)}`),
    el('p', null, tellReasons(DATA.gap_reasons, gap.at)),
    call ? [el('p', null, el('span', { class: 'badge' }, `call, grade ${call.grade}`), ` ${call.port_group} (${call.port_country}), window ${showTime(call.window_from)} to ${showTime(call.window_to)} UTC`),
      el('p', null, tellReasons(DATA.call_reasons, call.at)), tellLabels(call).length ? el('p', null, `Labels of yours: ${tellLabels(call).join(', ')}.`) : null] : el('p', null, 'No call likely enough for a row of its own.'),
  ].flat();
}

function showDetail() {
  const gap = GAP_BY_ID.get(STATE.gap);
  put('detail', gap ? tellGap(gap) : [el('h3', null, 'No gap selected'),
    el('p', null, 'Point at a mark for its reasons, click it or choose a row below to keep it here. The whole page follows the ship chosen.')]);
}

// A line of time: silences as bars, windows of calls below them.
function drawStory(gaps, calls, width) {
  const months = SHOWN_MONTHS;
  const start = Date.parse(`${months[0]}-01T00:00Z`) / 60000;
  const end = Date.parse(DATA.data_end) / 60000;
  const pad = 8;
  const x = (minutes) => pad + ((Math.min(Math.max(minutes, start), end) - start) / Math.max(1, end - start)) * (width - 2 * pad);
  const chart = sv('svg', { viewBox: `0 0 ${width} 74`, width, height: 74, role: 'img', 'aria-label': `Line of time with ${gaps.length} gaps and ${calls.length} calls; the list below tells each` });
  chart.append(sv('path', { d: `M${pad} 50 H${width - pad}`, class: 'axis' }), ghost(width, 74) ?? '');
  const every = Math.max(1, Math.ceil(months.length / Math.max(2, Math.floor(width / 70))));
  months.forEach((month, number) => {
    const from = x(Date.parse(`${month}-01T00:00Z`) / 60000);
    chart.append(sv('path', { d: `M${from} 47 v6`, class: 'axis' }));
    if (number % every === 0 && from < width - 48) chart.append(sv('text', { x: from, y: 68, class: 'tick' }, month));
  });
  for (const gap of gaps) {
    const name = classOf(gap);
    chart.append(sv('rect', { x: x(gap.off_at), y: 8, width: Math.max(2, x(gap.on_at ?? end) - x(gap.off_at)), height: 18, class: `c-${name === 'weak' ? 'unheard' : name} dot` }, sv('title', null, `silent from ${showTime(gap.off_at)}, ${showHours(gap.length_s)} h`)));
  }
  for (const call of calls) {
    chart.append(sv('rect', { x: x(call.window_from), y: 30, width: Math.max(4, x(call.window_to) - x(call.window_from)), height: 12, class: `c-pick ${isGraded(call.grade) ? 'dot' : 'line'}` }, sv('title', null, `grade ${call.grade} at ${call.port_group}`)));
  }
  return chart;
}

function showStory() {
  const number = chosenShip();
  if (number === null) { put('story'); return; }
  const ship = TABLE.ships[number];
  const gaps = TABLE.gaps.filter((gap) => gap.ship === number);
  const calls = TABLE.calls.filter((call) => call.ship === number);
  const events = [...calls.map((call) => [call.window_from, call, true]), ...gaps.filter((gap) => !isGraded(gap.call)).map((gap) => [gap.off_at, gap, false])].sort((a, b) => b[0] - a[0]);
  const most = 40;
  put('story', el('h3', null, `The story of ${nameShip(number)}`),
    el('p', null, `${ship.flag ?? 'Flag unknown'}, ${ship.fleet}, MMSI ${ship.mmsi}, ${ship.imo ? `IMO ${ship.imo}` : 'no trusted IMO number'}. Since ${SHOWN_MONTHS[0]}: `
      + `${ship.gaps} silences that nothing else explains, ${ship.probable_offs} with the set probably off, in ${ship.months_off} months; `
      + `calls ${ship.calls_a} A, ${ship.calls_b} B, ${ship.calls_c} C and ${ship.calls_d} not assessable; ${ship.lit_calls} calls heard in port; `
      + `${ship.crossings} legs between Russia and Iran, ${ship.dark_crossings} of them dark. A silence alone says nothing of intent.`),
    el('figure', null, drawStory(gaps, calls, at('story').clientWidth || 320), el('figcaption', null, 'Above: silences on this page, coloured as on the map. Below: windows of graded calls; hollow ones cannot be assessed.')),
    el('ol', { class: 'storylist', reversed: true }, events.slice(0, most).map(([, row, isCall]) => el('li', null, isCall
      ? [el('span', { class: 'badge' }, `call ${row.grade}`), ' ', tellReasons(DATA.call_reasons, row.at)]
      : [el('span', { class: 'badge' }, `silent ${showHours(row.length_s)} h`), ' ', tellReasons(DATA.gap_reasons, row.at)]))),
    events.length > most ? el('p', { class: 'note' }, `${events.length - most} earlier ones are in the tables above.`) : null);
}
