// What is chosen: kept in the address after '#', so that a view can be noted down and opened again.
const DEFAULTS = {
  from: SHOWN_MONTHS[0], to: SHOWN_MONTHS[SHOWN_MONTHS.length - 1], flag: 'all', grade: 'all', hours: String(LIMITS.least_h),
  p: '0', scope: 'ru_ir_crossing', fleet: 'merchant', text: '', ship: '', gap: '',
};
const STATE = { ...DEFAULTS };
const LISTENERS = [];

function readAddress() {
  const told = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(DEFAULTS)) STATE[name] = told.has(name) ? told.get(name) : DEFAULTS[name];
}

function writeAddress() {
  const told = new URLSearchParams();
  for (const name of Object.keys(DEFAULTS)) if (STATE[name] !== DEFAULTS[name]) told.set(name, STATE[name]);
  const text = told.toString();
  try {
    history.replaceState(null, '', text ? `#${text}` : `${location.pathname}${location.search}`);
  } catch (error) {
    // Some browsers keep the address of a file as it is; the view works all the same.
  }
}

function choose(changes) {
  Object.assign(STATE, changes);
  writeAddress();
  for (const listen of LISTENERS) listen();
}

function chosenShip() {
  const number = STATE.ship === '' ? -1 : TABLE.ships.findIndex((ship) => ship.ship_id === STATE.ship);
  return number < 0 ? null : number;
}
const isGraded = (grade) => grade === 'A' || grade === 'B' || grade === 'C';

function fitsGrade(grade) {
  if (STATE.grade === 'all') return true;
  if (STATE.grade === 'likely') return isGraded(grade);
  if (STATE.grade === 'none') return grade === null;
  return grade === STATE.grade;
}

function fitsShip(at) {
  const asked = STATE.text.trim().toUpperCase();
  if (!asked) return true;
  const ship = at === null ? null : TABLE.ships[at];
  return Boolean(ship) && `${ship.name ?? ''} ${ship.mmsi} ${ship.imo ?? ''} ${ship.ship_id}`.toUpperCase().includes(asked);
}

const fitsMonth = (month) => month >= STATE.from && month <= STATE.to;
const fitsFlag = (flag) => STATE.flag === 'all' || (flag ?? 'unknown') === STATE.flag;
const fitsP = (p) => Number(STATE.p) === 0 || (p !== null && p >= Number(STATE.p));

function fitsScope(call) {
  return STATE.scope === 'all' || call[`in_${STATE.scope}`] === true;
}

function pickGaps() {
  const least = Number(STATE.hours) * HOUR_S;
  return TABLE.gaps.filter((gap) => fitsMonth(gap.month) && fitsFlag(gap.flag) && fitsGrade(gap.call)
    && (gap.length_s >= least || isGraded(gap.call)) && fitsP(gap.p_off) && fitsShip(gap.ship));
}

function pickCalls() {
  return TABLE.calls.filter((call) => fitsMonth(call.month) && fitsFlag(call.flag) && fitsGrade(call.grade)
    && fitsScope(call) && fitsP(call.p_off) && fitsShip(call.ship));
}
