// Moving, zooming and pointing on the map, by mouse, finger and keyboard.
function moveMap(dx, dy) {
  MAP.view.x -= dx / MAP.view.scale;
  MAP.view.y -= dy / MAP.view.scale;
  drawMap();
}

function zoomMap(factor, x = MAP.canvas.clientWidth / 2, y = MAP.canvas.clientHeight / 2) {
  const { view, canvas } = MAP;
  const dx = (x - canvas.clientWidth / 2) / view.scale;
  const dy = (y - canvas.clientHeight / 2) / view.scale;
  const scale = Math.min(6000, Math.max(6, view.scale * factor));
  view.x += dx - (dx * view.scale) / scale;
  view.y += dy - (dy * view.scale) / scale;
  view.scale = scale;
  drawMap();
}

function findHit(x, y, within) {
  let best = null;
  let least = within;
  for (const [hitX, hitY, gap] of MAP.hits) {
    const far = Math.hypot(hitX - x, hitY - y);
    if (far < least) { least = far; best = gap; }
  }
  return best;
}

function showTip(gap, x, y) {
  const tip = at('map-tip');
  tip.hidden = !gap;
  if (!gap) return;
  tip.replaceChildren(el('p', null, el('strong', null, nameShip(gap.ship)), ` ${gap.flag ?? 'flag unknown'}`),
    el('p', null, `${showTime(gap.off_at)} to ${showTime(gap.on_at)} UTC, ${showHours(gap.length_s)} h`),
    el('p', null, `Set off: ${showProbability(gap.p_off)}. ${CAUSE_WORDS[gap.cause] ?? 'not judged'}${gap.call ? `. Call of grade ${gap.call}` : ''}`));
  tip.style.left = `${Math.max(4, Math.min(x + 12, MAP.canvas.clientWidth - tip.offsetWidth - 6))}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 12, MAP.canvas.clientHeight - tip.offsetHeight - 6))}px`;
}

function pointOf(event) {
  const box = MAP.canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function listenToMap() {
  const { canvas } = MAP;
  const fingers = new Map();
  let dragged = 0;
  canvas.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, pointOf(event));
    dragged = 0;
    if (event.pointerType === 'mouse') canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    const [x, y] = pointOf(event);
    const before = fingers.get(event.pointerId);
    if (!before) { const gap = findHit(x, y, 9); showTip(gap, x, y); canvas.style.cursor = gap ? 'pointer' : 'grab'; return; }
    const dx = x - before[0];
    const dy = y - before[1];
    dragged += Math.hypot(dx, dy);
    fingers.set(event.pointerId, [x, y]);
    if (event.pointerType === 'mouse') moveMap(dx, dy);
  });
  const release = (event) => {
    fingers.delete(event.pointerId);
    if (event.type === 'pointerup' && dragged < 6) {
      const [x, y] = pointOf(event);
      const gap = findHit(x, y, event.pointerType === 'mouse' ? 9 : 20);
      if (gap) chooseGap(gap);
    }
  };
  for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, release);
  canvas.addEventListener('pointerleave', () => { at('map-tip').hidden = true; });
  // The page scrolls over the map; with Ctrl, as by pinching, the wheel zooms it.
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomMap(event.deltaY < 0 ? 1.2 : 1 / 1.2, ...pointOf(event));
  }, { passive: false });
  canvas.addEventListener('dblclick', (event) => zoomMap(1.8, ...pointOf(event)));
  canvas.addEventListener('keydown', (event) => {
    const step = 50;
    const keys = {
      ArrowLeft: () => moveMap(step, 0), ArrowRight: () => moveMap(-step, 0), ArrowUp: () => moveMap(0, step), ArrowDown: () => moveMap(0, -step),
      '+': () => zoomMap(1.4), '=': () => zoomMap(1.4), '-': () => zoomMap(1 / 1.4), n: () => stepGap(1), p: () => stepGap(-1),
      Enter: () => { const gap = GAP_BY_ID.get(STATE.gap); if (gap) chooseGap(gap); }, Escape: () => choose({ gap: '', ship: '' }),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { event.preventDefault(); act(); }
  });
  at('map-in').addEventListener('click', () => zoomMap(1.5));
  at('map-out').addEventListener('click', () => zoomMap(1 / 1.5));
  at('map-home').addEventListener('click', () => { fitView(); drawMap(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawMap);
}

function stepGap(way) {
  if (!MAP.gaps.length) return;
  const now = MAP.gaps.findIndex((gap) => gap.gap_id === STATE.gap);
  const next = now < 0 ? (way > 0 ? 0 : MAP.gaps.length - 1) : (now + way + MAP.gaps.length) % MAP.gaps.length;
  choose({ gap: MAP.gaps[next].gap_id });
}

const chooseGap = (gap) => choose({ gap: gap.gap_id, ship: gap.ship === null ? STATE.ship : TABLE.ships[gap.ship].ship_id });
const chooseShip = (ship) => choose({ ship: ship.ship_id, gap: '' });
