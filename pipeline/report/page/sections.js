// Reception, feed health, published figures, sensitivity and coverage.
function layBeside() {
  put('beside', laySpikes(), el('p', { class: 'note' }, 'Published figures beside our nearest comparable: merchant ships, silences of 30 h and more, uncorrected, of one flag everywhere or of all flags in an area. Threshold and area of those by flag are not known, nor outline and fleet of those by area; nothing is tuned to them.'),
    layTable('Published counts and ours', [
      ['Month', (row) => row.month?.slice(0, 7)], ['Flag, or area', (row) => row.flag ?? row.area], ['Measure', (row) => row.measure], ['Published', (row) => showNumber(row.published), 'n'],
      ['Ours', (row) => (row.ours === null ? 'no data' : showNumber(row.ours)), 'n'], ['Ships seen', (row) => showNumber(row.ships_seen), 'n'], ['Ship-hours', (row) => showNumber(row.ship_hours, 0), 'n'], ['Status', (row) => row.status], ['Source', (row) => row.source, 'w']], DATA.beside),
    foldTable('All published figures', () => layTable('All published figures', [
      ['Measure', (row) => row.measure], ['From', (row) => row.period_from], ['To', (row) => row.period_to], ['Flag', (row) => row.flag], ['Area', (row) => row.area, 'w'], ['At least, h', (row) => showNumber(row.at_least_h), 'n'],
      ['Value', (row) => showNumber(row.value), 'n'], ['Unit', (row) => row.unit], ['Source', (row) => row.source, 'w'], ['Note', (row) => row.note, 'w']], DATA.published)));
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

function layYears(scope) {
  const rows = TABLE.years.filter((row) => row.scope === scope);
  return rows.length ? foldTable('Calendar years', () => layTable('Calendar years, rated as the trailing year is', [
    ['Year', (row) => String(row.calendar_year)], ['Rating', (row) => row.rating], ['Expected calls', (row) => showNumber(row.expected_calls, 1), 'n'],
    ['90 % interval', (row) => (row.expected_calls_low === null ? '–' : `${showNumber(row.expected_calls_low, 1)} to ${showNumber(row.expected_calls_high, 1)}`), 'n'],
    ...['low', 'medium', 'high'].map((name) => [`P(${name})`, (row) => showProbability(row[`p_${name}`]), 'n']), ['A', (row) => showNumber(row.calls_a), 'n'], ['B', (row) => showNumber(row.calls_b), 'n'], ['Why', (row) => row.why, 'w']], rows)) : null;
}

function spikesOf(flag, hours) {
  const rows = new Map(TABLE.spikes.filter((row) => row.flags === flag && row.at_least_h === hours && STATE.fleet === 'merchant' && row.is_spike).map((row) => [row.month, row.gaps]));
  return ALL_MONTHS.map((month) => rows.get(month) ?? null);
}

function laySpikes() {
  const found = TABLE.spikes.filter((row) => row.is_spike);
  const tested = TABLE.spikes.filter((row) => row.is_spike !== null);
  const words = tested.length ? (found.length ? found.map((row) => `${row.month}, ${row.flags}: ${row.why}`).join('; ') : 'none') : 'no month could be tested: there are too few before it';
  return [el('p', null, `Months with more gaps than those before foresee: ${words}.`),
    foldTable('Spikes', () => layTable('Months tested for spikes', [['Month', (row) => row.month], ['Flags', (row) => row.flags], ['At least, h', (row) => showNumber(row.at_least_h), 'n'], ['Gaps', (row) => showNumber(row.gaps), 'n'], ['Foreseen', (row) => showNumber(row.expected, 1), 'n'], ['Limit', (row) => showNumber(row.limit, 1), 'n'], ['Spike', (row) => (row.is_spike === null ? 'not tested' : row.is_spike ? 'yes' : 'no')], ['Why', (row) => row.why, 'w']], TABLE.spikes))];
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
