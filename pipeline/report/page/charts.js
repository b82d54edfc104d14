// Charts by month, bars by port, and the strips of feed health.
function drawMonths({ months, series, width, height = 190, limits = [], marks = new Set(), label }) {
  const known = (some) => some.flatMap((one) => [...one.values, ...(one.high ?? [])]).filter((value) => value !== null && value !== undefined);
  // Points far above our lines are written at the top edge, so that the lines can still be read.
  const lines = known(series.filter((one) => one.kind !== 'points'));
  const points = known(series.filter((one) => one.kind === 'points'));
  const ours = Math.max(0, ...lines, ...limits.map((limit) => limit.value));
  const top = niceTop(ours ? Math.max(ours, ...points.filter((value) => value <= 3 * ours)) : Math.max(0, ...points));
  const pad = { left: 46, right: 26, top: points.some((value) => value > top) ? 38 : 12, bottom: 24 };
  const step = (width - pad.left - pad.right) / Math.max(1, months.length);
  const x = (number) => pad.left + (number + 0.5) * step;
  const y = (value) => height - pad.bottom - (value / top) * (height - pad.top - pad.bottom);
  const chart = sv('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label });
  for (const part of [0, 0.5, 1]) {
    chart.append(sv('path', { d: `M${pad.left} ${y(top * part)} H${width - pad.right}`, class: part ? 'grid' : 'axis' }),
      sv('text', { x: pad.left - 5, y: y(top * part) + 4, 'text-anchor': 'end', class: 'tick' }, shortNumber(top * part)));
  }
  const every = Math.max(1, Math.ceil(months.length / Math.max(2, Math.floor((width - pad.left) / 62))));
  months.forEach((month, number) => {
    if (number % every === 0) chart.append(sv('text', { x: x(number), y: height - 8, 'text-anchor': 'middle', class: 'tick' }, month));
    if (marks.has(month)) chart.append(sv('path', { d: `M${x(number)} ${height - pad.bottom} l-5 9 h10 Z`, class: 'c-pick dot' }, sv('title', null, `the selected ship has rows in ${month}`)));
  });
  for (const limit of limits) {
    chart.append(sv('path', { d: `M${pad.left} ${y(limit.value)} H${width - pad.right}`, class: 'limit' }),
      sv('text', { x: pad.left + 4, y: y(limit.value) - 4, class: 'tick' }, limit.name));
  }
  chart.append(ghost(width, height) ?? '');
  for (const one of series) drawSeries(chart, one, months, x, y, top);
  return chart;
}

function shortNumber(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (value >= 10000) return `${+(value / 1000).toFixed(1)}k`;
  return String(+value.toFixed(2));
}

function drawSeries(chart, one, months, x, y, top) {
  if (one.low && one.high) {
    one.low.forEach((low, number) => {
      if (low !== null && one.high[number] !== null && one.high[number] !== undefined) {
        chart.append(sv('path', { d: `M${x(number)} ${y(low)} V${y(one.high[number])} m-3 0 h6 M${x(number) - 3} ${y(low)} h6`, class: `line ends ${one.class}` }));
      }
    });
  }
  let path = '';
  one.values.forEach((value, number) => {
    if (value === null || value === undefined) { path += '|'; return; }
    path += `${path && !path.endsWith('|') ? 'L' : 'M'}${x(number).toFixed(1)} ${y(value).toFixed(1)}`;
    const title = sv('title', null, `${one.name}, ${months[number]}: ${showNumber(value)}`);
    if (one.kind === 'points' && value > top) chart.append(sv('text', { transform: `translate(${x(number) + 4} 34) rotate(-90)`, class: `${one.class} dot tick2` }, `${shortNumber(value)} ↑`, title));
    else if (one.kind === 'points') chart.append(sv('path', { d: `M${x(number)} ${y(value) - 6} l6 6 l-6 6 l-6 -6 Z`, class: `${one.class} open` }, title));
    else chart.append(sv('circle', { cx: x(number), cy: y(value), r: 2.6, class: `${one.class} dot` }, title));
  });
  if (one.kind !== 'points') chart.append(sv('path', { d: path.replaceAll('|', ' ') || 'M0 0', class: `line ${one.class} ${one.dash ?? ''}` }));
}

function monthTable(title, months, series) {
  const columns = [['Month', (number) => months[number]]];
  for (const one of series) {
    columns.push([one.name, (number) => showNumber(one.values[number]), 'n']);
    if (one.low) columns.push(['90 % interval', (number) => (one.low[number] === null || one.low[number] === undefined ? '–' : `${showNumber(one.low[number])} to ${showNumber(one.high[number])}`), 'n']);
  }
  return layTable(title, columns, months.map((_, number) => number));
}

function tellSeries(months, series) {
  return series.map((one) => {
    const known = one.values.map((value, number) => [value, number]).filter(([value]) => value !== null && value !== undefined);
    if (!known.length) return `${one.name}: not published`;
    const [value, number] = known[known.length - 1];
    const most = known.reduce((a, b) => (b[0] > a[0] ? b : a));
    return `${one.name}: ${showNumber(value)} in ${months[number]}, most ${showNumber(most[0])} in ${months[most[1]]}`;
  }).join('; ');
}

function monthFigure(title, months, series, width, more = {}) {
  const label = `${title}. ${tellSeries(months, series)}.${DATA.is_simulated ? ' SIMULATED data.' : ''}`;
  const known = series.filter((one) => one.kind !== 'points' || one.values.some((value) => value !== null));
  const chart = drawMonths({ months, series: known, width, label, ...more });
  return layFigure(title, `${tellSeries(months, known)}.`, chart, showKeys(known), () => monthTable(title, months, known));
}

// Horizontal bars of several parts each.
function drawBars({ rows, parts, width, label, pick }) {
  const line = 22;
  const left = Math.min(20 + 6.6 * Math.max(0, ...rows.map((row) => row.label.length)), width * 0.5);
  const height = rows.length * line + 26;
  const top = niceTop(Math.max(0, ...rows.map((row) => sum(parts.map((part) => part.of(row))))));
  const x = (value) => left + (value / top) * (width - left - 48);
  const chart = sv('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label });
  for (const part of [0, 0.5, 1]) {
    chart.append(sv('path', { d: `M${x(top * part)} 0 V${height - 20}`, class: part ? 'grid' : 'axis' }),
      sv('text', { x: x(top * part), y: height - 6, 'text-anchor': 'middle', class: 'tick' }, shortNumber(top * part)));
  }
  chart.append(ghost(width, height) ?? '');
  rows.forEach((row, number) => {
    const y = number * line + 4;
    chart.append(sv('text', { x: left - 6, y: y + 11, 'text-anchor': 'end', class: pick(row) ? 'c-pick dot' : null }, (pick(row) ? '▸ ' : '') + row.label));
    let from = 0;
    for (const part of parts) {
      const value = part.of(row) ?? 0;
      chart.append(sv('rect', { x: x(from), y, width: Math.max(0, x(from + value) - x(from)), height: line - 8, class: `${part.class} dot` }, sv('title', null, `${row.label}, ${part.name}: ${showNumber(value)}`)));
      from += value;
    }
    chart.append(sv('text', { x: x(from) + 5, y: y + 11, class: 'tick' }, shortNumber(from)));
  });
  return chart;
}

const shade = (share) => 0.08 + 0.92 * Math.sqrt(Math.min(1, share));

// A row per receiver, a cell per month; the darker, the more outage.
function drawStrips({ rows, months, width, label }) {
  const line = 18;
  const left = Math.min(210, width * 0.42);
  const height = rows.length * line + 24;
  const step = (width - left - 6) / Math.max(1, months.length);
  const chart = sv('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label });
  rows.forEach((row, number) => {
    const letters = Math.floor(left / 6.6);
    chart.append(sv('text', { x: left - 6, y: number * line + 12, 'text-anchor': 'end', class: 'tick' }, row.label.length > letters ? `${row.label.slice(0, letters - 1)}…` : row.label, sv('title', null, row.label)));
    months.forEach((month, column) => {
      const share = row.shares.get(month);
      const words = share === undefined ? `${row.label}, ${month}: not heard of` : `${row.label}, ${month}: ${(share * 100).toFixed(1)} % of hours out`;
      chart.append(sv('rect', { x: left + column * step, y: number * line + 1, width: Math.max(1, step - 1), height: line - 3, class: share === undefined ? 'band c-unheard' : 'c-dark dot', opacity: share === undefined ? 0.12 : shade(share) }, sv('title', null, words)));
    });
  });
  const every = Math.max(1, Math.ceil(months.length / Math.max(2, Math.floor((width - left) / 62))));
  months.forEach((month, column) => {
    if (column % every === 0) chart.append(sv('text', { x: left + (column + 0.5) * step, y: height - 6, 'text-anchor': 'middle', class: 'tick' }, month));
  });
  chart.append(ghost(width, height) ?? '');
  return chart;
}
