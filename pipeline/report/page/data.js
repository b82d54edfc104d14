// The data as they came with the page, unpacked, and how values are written.
const DATA = JSON.parse(document.getElementById('data').textContent);
const HOLE = '\x1f';
const HOUR_S = 3600;
const LIMITS = DATA.limits;

function unpack(packed) {
  const names = Object.keys(packed.columns);
  const readers = names.map((name) => {
    const column = packed.columns[name];
    if (Array.isArray(column)) return (at) => column[at];
    return (at) => (column.at[at] === null ? null : column.words[column.at[at]]);
  });
  const rows = new Array(packed.rows);
  for (let at = 0; at < packed.rows; at += 1) {
    const row = {};
    for (let number = 0; number < names.length; number += 1) row[names[number]] = readers[number](at);
    rows[at] = row;
  }
  return rows;
}

function tellReasons(packed, at) {
  const values = packed.values[at].split('|');
  let next = 0;
  return packed.at[at]
    .map((number) => packed.sentences[number])
    .join('')
    .replaceAll(HOLE, () => values[next++] ?? '');
}

const TABLE = {};
for (const name of ['gaps', 'calls', 'ships', 'monthly_gaps', 'monthly_calls', 'port_calls', 'indicator', 'cells',
  'health', 'outages', 'transits', 'years', 'spikes']) TABLE[name] = unpack(DATA[name]);
for (const rows of Object.values(TABLE)) for (const row of rows) if (row.month) row.month = row.month.slice(0, 7);
TABLE.gaps.forEach((gap, at) => { gap.at = at; });
TABLE.calls.forEach((call, at) => { call.at = at; call.gaps = call.gap_ids.split(';'); });
TABLE.ships.forEach((ship, at) => { ship.at = at; });
const GAP_BY_ID = new Map(TABLE.gaps.map((gap) => [gap.gap_id, gap]));
const CALL_OF_GAP = new Map();
for (const call of TABLE.calls) for (const id of call.gaps) if (!CALL_OF_GAP.has(id)) CALL_OF_GAP.set(id, call);
const PORT = new Map(DATA.map.ports.map((port) => [port.port_group, port]));

function nameShip(at) {
  const ship = at === null || at === undefined ? null : TABLE.ships[at];
  return ship ? ship.name || `MMSI ${ship.mmsi}` : 'a ship beyond the list';
}
const CAUSE_WORDS = {
  identity: 'went on under another MMSI', in_port: 'stayed in port', laid_up: 'laid up', gnss: 'GNSS interference',
  outage: 'receivers were down', unobservable: 'too little would have been heard', coverage: 'weak reception explains it',
  unexplained: 'neither reception nor a set that is off is clear', probable_off: 'set probably off', left_region: 'left the region',
};
const showTime = (minutes) => (minutes === null ? 'not yet' : `${new Date(minutes * 60000).toISOString().slice(0, 16).replace('T', ' ')}`);
const showHours = (seconds) => (seconds === null ? '' : (seconds / HOUR_S).toFixed(1));
function showNumber(value, digits) {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'number') return String(value);
  const places = digits ?? (Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
  return value.toLocaleString('en-GB', { minimumFractionDigits: places, maximumFractionDigits: places });
}
const showProbability = (value, digits = 2) => (value === null ? '–' : value.toFixed(digits));
const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
function listMonths(first, last) {
  const months = [];
  let [year, month] = first.split('-').map(Number);
  for (let text = first; text <= last;) {
    months.push(text);
    month += 1;
    if (month > 12) { month = 1; year += 1; }
    text = `${year}-${String(month).padStart(2, '0')}`;
  }
  return months;
}
const ALL_MONTHS = (() => {
  const known = TABLE.monthly_gaps.map((row) => row.month).concat(TABLE.monthly_calls.map((row) => row.month));
  if (!known.length) return [DATA.first_month.slice(0, 7)];
  return listMonths(known.reduce((a, b) => (a < b ? a : b)), known.reduce((a, b) => (a > b ? a : b)));
})();
const SHOWN_MONTHS = (() => {
  const first = DATA.first_month.slice(0, 7);
  const months = ALL_MONTHS.filter((month) => month >= first);
  return months.length ? months : ALL_MONTHS;
})();
