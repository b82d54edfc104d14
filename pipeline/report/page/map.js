// The map of gaps, on a canvas: thousands of marks. Tables beside it hold the same rows.
const RAD = Math.PI / 180;
const toX = (lon) => lon;
const toY = (lat) => -Math.log(Math.tan((45 + lat / 2) * RAD)) / RAD;
const MAP = { canvas: at('map'), view: null, gaps: [], calls: [], hits: [], over: null };
const COLOURS = ['--water', '--land', '--shore', '--ink', '--soft', '--paper', '--dark', '--unheard', '--lit', '--mid', '--weak', '--pick'];

// What is known of p_off decides the colour; filled or not tells the same without colour.
function classOf(gap) {
  if (gap.p_off === null || gap.cause === 'unobservable') return 'weak';
  if (gap.p_off >= LIMITS.probable_from) return 'dark';
  return gap.cause === 'coverage' ? 'lit' : 'mid';
}
const CLASS_WORDS = {
  dark: `set probably off (${LIMITS.probable_from} and more)`, mid: 'between', lit: 'weak reception explains it', weak: 'cannot be told, or explained otherwise',
};

function mapBounds() {
  const lons = [];
  const lats = [];
  for (const line of DATA.map.lines.concat(DATA.map.waters)) line.forEach((value, number) => (number % 2 ? lats : lons).push(value));
  if (!lons.length) for (const gap of TABLE.gaps) { lons.push(gap.off_lon); lats.push(gap.off_lat); }
  if (!lons.length) return { west: 38, east: 55, south: 36, north: 49 };
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  return { west: least(lons), east: most(lons), south: least(lats), north: most(lats) };
}

function fitView() {
  const box = mapBounds();
  const { clientWidth: width, clientHeight: height } = MAP.canvas;
  const spanX = Math.max(0.5, toX(box.east) - toX(box.west));
  const spanY = Math.max(0.5, toY(box.south) - toY(box.north));
  MAP.view = {
    scale: 0.94 * Math.min(width / spanX, height / spanY), x: (toX(box.west) + toX(box.east)) / 2, y: (toY(box.south) + toY(box.north)) / 2,
  };
}

const screenX = (lon) => MAP.canvas.clientWidth / 2 + (toX(lon) - MAP.view.x) * MAP.view.scale;
const screenY = (lat) => MAP.canvas.clientHeight / 2 + (toY(lat) - MAP.view.y) * MAP.view.scale;

function tracePath(pen, line) {
  for (let number = 0; number < line.length; number += 2) {
    const x = screenX(line[number]);
    const y = screenY(line[number + 1]);
    if (number) pen.lineTo(x, y); else pen.moveTo(x, y);
  }
}

function drawMap() {
  const { canvas } = MAP;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return;
  if (!MAP.view) fitView();
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const style = getComputedStyle(document.documentElement);
  const ink = Object.fromEntries(COLOURS.map((name) => [name.slice(2), style.getPropertyValue(name).trim()]));
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = ink.land;
  pen.fillRect(0, 0, width, height);
  drawBase(pen, ink);
  drawGaps(pen, ink, width, height);
  drawPorts(pen, ink, width);
}

function drawBase(pen, ink) {
  pen.fillStyle = ink.water;
  pen.strokeStyle = ink.shore;
  pen.lineWidth = 0.8;
  pen.beginPath();
  for (const ring of DATA.map.waters) { tracePath(pen, ring); pen.closePath(); }
  pen.fill('evenodd');
  pen.stroke();
  pen.strokeStyle = ink.shore;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const line of DATA.map.lines) tracePath(pen, line);
  pen.stroke();
}

function drawGaps(pen, ink, width, height) {
  const ship = chosenShip();
  MAP.hits = [];
  const groups = { weak: [], lit: [], mid: [], dark: [], pick: [] };
  for (const gap of MAP.gaps) groups[ship !== null && gap.ship === ship ? 'pick' : classOf(gap)].push(gap);
  const many = MAP.gaps.length > 2500;
  for (const [name, gaps] of Object.entries(groups)) {
    const isPick = name === 'pick';
    pen.strokeStyle = ink[name];
    pen.fillStyle = ink[name];
    pen.globalAlpha = isPick ? 1 : (ship === null ? 0.75 : 0.22) * (many ? 0.6 : 1);
    pen.lineWidth = isPick ? 1.8 : 0.9;
    pen.setLineDash([5, 4]);
    pen.beginPath();
    for (const gap of gaps) {
      if (gap.on_lon === null) continue;
      pen.moveTo(screenX(gap.off_lon), screenY(gap.off_lat));
      pen.lineTo(screenX(gap.on_lon), screenY(gap.on_lat));
    }
    pen.globalAlpha *= 0.55;
    pen.stroke();
    pen.globalAlpha /= 0.55;
    pen.setLineDash([]);
    for (const gap of gaps) drawEnds(pen, gap, name, width, height);
  }
  pen.globalAlpha = 1;
  const gap = GAP_BY_ID.get(STATE.gap);
  if (gap) {
    pen.strokeStyle = ink.pick;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(screenX(gap.off_lon), screenY(gap.off_lat), 9, 0, 7);
    pen.stroke();
  }
}

function drawEnds(pen, gap, name, width, height) {
  const x = screenX(gap.off_lon);
  const y = screenY(gap.off_lat);
  const isIn = x > -9 && y > -9 && x < width + 9 && y < height + 9;
  if (isIn) {
    pen.beginPath();
    pen.arc(x, y, isGraded(gap.call) ? 4.6 : 3, 0, 7);
    if (name === 'dark' || name === 'pick') pen.fill(); else pen.stroke();
    MAP.hits.push([x, y, gap]);
  }
  if (gap.on_lon === null) return;
  const onX = screenX(gap.on_lon);
  const onY = screenY(gap.on_lat);
  if (onX < -9 || onY < -9 || onX > width + 9 || onY > height + 9) return;
  pen.strokeRect(onX - 2.5, onY - 2.5, 5, 5);
  MAP.hits.push([onX, onY, gap]);
}

// Ports with calls shown have a ring as large as their number; their windows are in the tables.
function drawPorts(pen, ink, width) {
  const calls = new Map();
  for (const call of MAP.calls) if (isGraded(call.grade)) calls.set(call.port_group, (calls.get(call.port_group) ?? 0) + 1);
  const call = CALL_OF_GAP.get(STATE.gap);
  const taken = [];
  pen.font = '12px system-ui, "DejaVu Sans", sans-serif';
  const ports = [...DATA.map.ports].sort((a, b) => (calls.get(b.port_group) ?? 0) - (calls.get(a.port_group) ?? 0));
  for (const port of ports) {
    const x = screenX(port.lon);
    const y = screenY(port.lat);
    const number = calls.get(port.port_group) ?? 0;
    const isCalled = call && call.port_group === port.port_group;
    pen.fillStyle = ink.ink;
    pen.fillRect(x - 2, y - 2, 4, 4);
    if (isCalled) drawByPort(pen, ink, GAP_BY_ID.get(STATE.gap), x, y);
    if (number || isCalled) {
      pen.strokeStyle = isCalled ? ink.pick : ink.ink;
      pen.lineWidth = isCalled ? 3 : 1.5;
      pen.beginPath();
      pen.arc(x, y, 5 + 2.2 * Math.sqrt(number), 0, 7);
      pen.stroke();
    }
    const words = number ? `${port.port_group} (${number})` : port.port_group;
    const span = pen.measureText(words).width;
    const reach = number || isCalled ? 8 + 2.2 * Math.sqrt(number) : 9;
    const side = x + span + reach + 5 > width ? -span - reach : reach;
    const box = [x + side, y - 8, x + side + span, y + 6];
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
    taken.push(box);
    pen.lineWidth = 3;
    pen.strokeStyle = ink.paper;
    pen.strokeText(words, x + side, y + 4);
    pen.fillText(words, x + side, y + 4);
  }
}

// The likeliest port of the chosen gap, joined to its ends: by way of it, not along these lines.
function drawByPort(pen, ink, gap, x, y) {
  if (!gap) return;
  pen.strokeStyle = ink.pick;
  pen.lineWidth = 1.4;
  pen.setLineDash([2, 4]);
  pen.beginPath();
  pen.moveTo(screenX(gap.off_lon), screenY(gap.off_lat));
  pen.lineTo(x, y);
  if (gap.on_lon !== null) pen.lineTo(screenX(gap.on_lon), screenY(gap.on_lat));
  pen.stroke();
  pen.setLineDash([]);
}

function layLegend() {
  const entry = (name, words, draw) => el('li', null, sv('svg', { width: 20, height: 14, 'aria-hidden': 'true' }, draw(name)), words);
  const circle = (name) => sv('circle', { cx: 10, cy: 7, r: 4, class: name === 'dark' ? 'c-dark' : `line c-${name === 'weak' ? 'unheard' : name}` });
  put('map-legend', ['dark', 'mid', 'lit', 'weak'].map((name) => entry(name, CLASS_WORDS[name], circle)),
    entry('', 'last heard (larger: of a call of grade A to C)', () => sv('circle', { cx: 10, cy: 7, r: 4, class: 'line c-ink' })),
    entry('', 'heard again', () => sv('rect', { x: 7, y: 4, width: 6, height: 6, class: 'line c-ink' })),
    entry('', 'port with graded calls shown', () => sv('g', null, sv('circle', { cx: 10, cy: 7, r: 6, class: 'line c-ink' }), sv('rect', { x: 8.5, y: 5.5, width: 3, height: 3, class: 'c-ink' }))),
    entry('', 'selected', () => sv('circle', { cx: 10, cy: 7, r: 4, class: 'c-pick' })));
}
