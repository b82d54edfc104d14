// Elements from words alone: nothing that came with the data is ever read as markup.
const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
  return element;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const sv = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const at = (id) => document.getElementById(id);
const put = (id, ...children) => at(id).replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));

function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= value);
}

// A table: columns are [title, value of row, kind]; kind 'n' is right-aligned, 'w' wide words.
function layTable(title, columns, rows, rowAttributes) {
  const head = el('tr', null, columns.map(([name, , kind]) => el('th', { scope: 'col', class: kind === 'n' ? 'n' : null }, name)));
  const body = rows.map((row) => el('tr', rowAttributes ? rowAttributes(row) : null, columns.map(([, value, kind]) => el('td',
    { class: kind === 'n' ? 'n' : kind === 'w' ? 'words' : null }, value(row) ?? '–'))));
  return el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    el('table', null, el('caption', null, title), el('thead', null, head), el('tbody', null, body)));
}

const OPENED = new Set();
// Drawn only when opened: a page of figures has many tables that nobody reads.
function foldTable(title, make) {
  const details = el('details', { open: OPENED.has(title) }, el('summary', null, `${title}: as a table`));
  const show = () => {
    if (details.open) { OPENED.add(title); if (details.childElementCount === 1) details.append(make()); } else OPENED.delete(title);
  };
  details.addEventListener('toggle', show);
  if (OPENED.has(title)) details.append(make());
  return details;
}

function layFigure(title, words, drawing, keys, make) {
  return el('figure', null, el('h3', null, title), keys, drawing, el('figcaption', null, words), make ? foldTable(title, make) : null);
}

function showKeys(series) {
  return el('ul', { class: 'keys' }, series.map((one) => el('li', null, sampleOf(one), one.name)));
}

function sampleOf(one) {
  const sample = sv('svg', { width: 22, height: 12, 'aria-hidden': 'true' });
  if (one.kind === 'points') sample.append(sv('path', { d: 'M11 1 L16 6 L11 11 L6 6 Z', class: `${one.class} open` }));
  else if (one.kind === 'bars') sample.append(sv('rect', { x: 2, y: 1, width: 18, height: 10, class: `${one.class} dot` }));
  else sample.append(sv('path', { d: 'M1 6 H21', class: `line ${one.class} ${one.dash ?? ''}` }));
  return sample;
}

const ghost = (width, height) => (DATA.is_simulated
  ? sv('text', { class: 'ghost', x: width / 2, y: height / 2, 'text-anchor': 'middle', 'aria-hidden': 'true' }, 'SIMULATED') : null);
