'use strict';
// Elements without markup: names come from models and file systems, and must never become HTML.
const data = JSON.parse(document.getElementById('data').textContent);
const make = (space, name, attributes, children) => {
  const element = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {}))
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value);
  for (const child of [].concat(children === undefined ? [] : children))
    if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
};
const h = (name, attributes, children) => make(null, name, attributes, children);
const s = (name, attributes, children) => make('http://www.w3.org/2000/svg', name, attributes, children);
const page = document.getElementById('page');
// JSON has no infinities; the report writes them as words.
const number = v => v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v === 'nan' || v === null || v === undefined ? NaN : v;
const round = (v, digits) => Number.isFinite(v) ? Number(v.toPrecision(digits || 4)).toString() : Number.isNaN(v) ? 'no number' : v > 0 ? 'exact' : '-∞';
const bytes = n => n >= 1048576 ? round(n / 1048576, 4) + ' MiB' : n >= 1024 ? round(n / 1024, 4) + ' KiB' : n + ' B';
const isShare = m => /agreement$|accuracy$/.test(m) && m !== 'pixel_agreement';
const show = (metric, v) => {
  v = number(v);
  if (metric === 'size') return bytes(v);
  if (!Number.isFinite(v)) return round(v);
  return isShare(metric) ? (100 * v).toFixed(2) + ' %' : /_db$/.test(metric) ? v.toFixed(2) + ' dB' : round(v);
};
const count = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;
// The file's name alone: pages are sent to people who have other folders.
const fileName = path => path.split(/[\\/]/).pop();
const short = (text, n) => text.length > n ? text.slice(0, n / 2 - 1) + '…' + text.slice(-n / 2) : text;
const table = (heads, rows, attributes) => h('table', attributes, [
  h('thead', {}, h('tr', {}, heads.map(t => h('th', {class: t[1], scope: 'col'}, t[0])))),
  h('tbody', {}, rows)]);
// A chart must also be said: role and label are what a screen reader gets.
const chart = (width, height, label, children) =>
  s('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label, class: 'chart'}, children);
const bar = (x, y, w, ht, fill, title) => s('rect', {x, y, width: Math.max(w, 0), height: ht, fill, rx: 2}, title && s('title', {}, title));
const text = (x, y, t, attributes) => s('text', Object.assign({x, y}, attributes), t);
