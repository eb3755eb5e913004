'use strict';
// The report holds its data. What is shown is in the address, behind the #, so
// that a view can be linked to: #view=table&q=fmt&by=kind&at=app/core
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const exact = n => n.toLocaleString('en-US');
const state = { view: 'map', by: 'input', q: '', out: '0', at: '', sort: 'bytes' };

function el(tag, props, ...kids) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...kids);
  return e;
}

function read() {
  const p = new URLSearchParams(location.hash.slice(1));
  for (const k in state) if (p.has(k)) state[k] = p.get(k);
}

function write(change) {
  Object.assign(state, change);
  const p = new URLSearchParams();
  for (const k in state) if (state[k]) p.set(k, state[k]);
  history.replaceState(null, '', '#' + p);
  draw();
}

const output = () => data.outputs[+state.out] || data.outputs[0];
const inputName = it => it.input || '(bundle)';
const packageName = it => it.package || it.kind;
const share = n => (100 * n / output().size.raw).toFixed(1) + '%';
const matches = it => {
  const q = state.q.toLowerCase();
  return it.name.toLowerCase().includes(q) || (it.symbol || '').toLowerCase().includes(q) ||
    inputName(it).toLowerCase().includes(q) || (it.package || '').toLowerCase().includes(q) || (it.file || '').toLowerCase().includes(q);
};
const levels = {
  input: [inputName, packageName],
  kind: [it => it.kind, inputName],
  package: [packageName],
  file: [it => it.file || '(no file)', inputName],
};

// tree groups the items by the levels that were chosen.
function tree() {
  const root = { name: output().path, bytes: 0, kids: new Map() };
  for (const it of output().items) {
    let at = root;
    at.bytes += it.bytes;
    for (const level of levels[state.by] || levels.input) {
      const name = level(it);
      if (!at.kids.has(name)) at.kids.set(name, { name, bytes: 0, kids: new Map() });
      at = at.kids.get(name);
      at.bytes += it.bytes;
    }
    at.kids.set(it, { name: it.name, bytes: it.bytes, item: it });
  }
  return root;
}

// squarify lays boxes out in a rectangle, as square as it can be done row by
// row (Bruls, Huizing, van Wijk).
function squarify(nodes, x, y, w, h, place) {
  let sum = nodes.reduce((s, n) => s + n.bytes, 0);
  for (let i = 0; i < nodes.length && w > 0 && h > 0 && sum > 0;) {
    const side = Math.min(w, h), scale = w * h / sum;
    let row = 0, best = Infinity, j = i;
    for (; j < nodes.length; j++) {
      const next = row + nodes[j].bytes;
      const thick = next * scale / side;
      const worst = Math.max(thick / (nodes[j].bytes * scale / thick), nodes[i].bytes * scale / thick / thick);
      if (worst > best) break;
      best = worst;
      row = next;
    }
    const thick = row * scale / side;
    let at = 0;
    for (; i < j; i++) {
      const long = nodes[i].bytes * scale / thick;
      if (w >= h) place(nodes[i], x, y + at, thick, long);
      else place(nodes[i], x + at, y, long, thick);
      at += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    sum -= row;
  }
}

function hue(text) {
  let h = 0;
  for (const c of text) h = (h * 31 + c.codePointAt(0)) % 360;
  return h;
}

function describe(it) {
  const lines = [it.name, `${exact(it.bytes)} B, ${share(it.bytes)} of the file; ${it.kind} of ${inputName(it)}`];
  if (it.retained > it.bytes) lines.push(`${exact(it.retained)} B would go with it`);
  if (it.symbol) lines.push(it.symbol);
  if (it.file) lines.push(it.file);
  if (it.also) lines.push('also ' + it.also.join(', '));
  return lines.join('\n');
}

function drawMap(main) {
  let node = tree();
  const trail = [[node.name, '']];
  const path = state.at ? state.at.split('\u0000') : [];
  for (const [i, name] of path.entries()) {
    if (!node.kids || !node.kids.has(name)) break;
    node = node.kids.get(name);
    trail.push([name, path.slice(0, i + 1).join('\u0000')]);
  }
  $('trail').replaceChildren(...trail.flatMap(([name, at], i) => {
    const a = el('a', { textContent: name });
    a.onclick = () => write({ at });
    return i ? [' / ', a] : [a];
  }), ` ${exact(node.bytes)} B, ${share(node.bytes)}`);
  const place = (at, path, color) => (n, x, y, w, h) => {
    if (w < 1.5 || h < 1.5) return;
    const tone = color === undefined ? hue(n.name) : color;
    const box = el('div', { className: n.item ? 'box' : 'box group' });
    box.style.cssText = `left:${x}px;top:${y}px;width:${w}px;height:${h}px;background:hsl(${tone} 55% ${n.item ? 72 : 82}%)`;
    if (w > 24 && h > 13) box.textContent = `${n.name} ${exact(n.bytes)}`;
    if (state.q && n.item && !matches(n.item)) box.classList.add('faint');
    box.onmousemove = e => {
      e.stopPropagation();
      const tip = $('tip');
      tip.hidden = false;
      tip.textContent = n.item ? describe(n.item) : `${n.name}\n${exact(n.bytes)} B, ${share(n.bytes)} of the file`;
      tip.style.left = Math.min(e.clientX + 12, innerWidth - tip.offsetWidth - 8) + 'px';
      tip.style.top = Math.min(e.clientY + 12, innerHeight - tip.offsetHeight - 8) + 'px';
    };
    box.onclick = e => {
      e.stopPropagation();
      if (n.item) write({ view: 'keeps', q: n.item.name });
      else write({ at: [...path, n.name].join('\u0000') });
    };
    at.append(box);
    if (n.kids && w > 8 && h > 22) lay(n, box, [...path, n.name], tone, 1, 15, w - 4, h - 18);
  };
  const lay = (n, at, path, color, x, y, w, h) =>
    squarify([...n.kids.values()].filter(k => k.bytes > 0).sort((a, b) => b.bytes - a.bytes), x, y, w, h, place(at, path, color));
  lay(node, main, path, path.length ? hue(node.name) : undefined, 0, 0, main.clientWidth, main.clientHeight);
  main.onmouseleave = () => { $('tip').hidden = true; };
}

const shown = 1000;

function drawTable(main) {
  const column = { bytes: it => it.bytes, retained: it => it.retained || 0, kind: it => it.kind, input: inputName, package: packageName, name: it => it.name };
  const key = column[state.sort] || column.bytes;
  const rows = output().items.filter(it => !state.q || matches(it)).sort((a, b) => {
    const x = key(a), y = key(b);
    return typeof x === 'number' ? y - x : x < y ? -1 : x > y ? 1 : b.bytes - a.bytes;
  });
  const head = el('tr', {}, ...Object.keys(column).map(c => {
    const th = el('th', { textContent: c, className: c === 'bytes' || c === 'retained' ? 'n' : '' });
    th.onclick = () => write({ sort: c });
    return th;
  }));
  const body = el('tbody');
  const row = (cells, title) => el('tr', { title: title || '' }, ...cells.map((c, i) => el('td', { textContent: c, className: i < 2 ? 'n' : '' })));
  let sum = 0;
  for (const it of rows.slice(0, shown)) {
    sum += it.bytes;
    body.append(row([exact(it.bytes), it.retained ? exact(it.retained) : '', it.kind, inputName(it), it.package || '', it.name], describe(it)));
  }
  const rest = rows.slice(shown).reduce((s, it) => s + it.bytes, 0);
  if (rest) body.append(row([exact(rest), '', '', '', '', `(${exact(rows.length - shown)} more)`]));
  sum += rest;
  const foot = el('tfoot', {}, row([exact(sum), '', '', '', '', state.q ? 'of what was found' : 'total']));
  foot.dataset.total = sum;
  main.append(el('table', {}, el('thead', {}, head), body, foot));
}

// drawKeeps draws the tree of dominators: below an item stands what only it
// keeps, and would go with it.
function drawKeeps(main) {
  const items = output().items;
  const kids = items.map(() => []);
  const roots = [];
  items.forEach((it, i) => {
    if (it.dominator) kids[it.dominator - 1].push(i);
    else roots.push(i);
  });
  const size = i => Math.max(items[i].retained || 0, items[i].bytes);
  const bySize = list => list.sort((a, b) => size(b) - size(a));
  const open = new Set();
  if (state.q) {
    items.forEach((it, i) => {
      if (matches(it)) for (let d = it.dominator; d; d = items[d - 1].dominator) open.add(d - 1);
    });
  }
  const branch = i => {
    const it = items[i];
    const leaf = kids[i].length === 0;
    const line = el('summary', { title: describe(it), className: leaf ? 'leaf' : '' },
      el('b', { textContent: exact(size(i)) }), it.kind === 'code' ? '' : it.kind + ': ', it.name,
      el('span', { className: 'via', textContent: ` ${inputName(it)}${it.via ? ', ' + it.via : ''}` }));
    if (state.q && matches(it)) line.classList.add('hit');
    const d = el('details', {}, line);
    let filled = false;
    const fill = () => {
      if (filled || !d.open) return;
      filled = true;
      list(d, kids[i]);
    };
    d.ontoggle = fill;
    if (open.has(i)) { d.open = true; fill(); }
    return d;
  };
  const list = (at, all) => {
    bySize(all);
    const visible = state.q && open.size ? all.filter((i, n) => n < 100 || open.has(i) || matches(items[i])) : all.slice(0, 300);
    at.append(...visible.map(branch));
    if (visible.length < all.length) at.append(el('details', {}, el('summary', { className: 'leaf', textContent: `${all.length - visible.length} smaller ones` })));
  };
  list(main, roots);
}

function draw() {
  const o = output();
  $('tip').hidden = true;
  $('output').value = String(data.outputs.indexOf(o));
  $('by').value = state.by;
  if ($('search').value !== state.q) $('search').value = state.q;
  $('size').textContent = `${exact(o.size.raw)} B` + (o.size.gzip ? `, gzip ${exact(o.size.gzip)} B, brotli ${exact(o.size.brotli)} B` : '');
  const found = state.q ? o.items.filter(matches) : [];
  $('found').textContent = state.q ? `${exact(found.length)} found, ${exact(found.reduce((s, it) => s + it.bytes, 0))} B` : '';
  for (const b of document.querySelectorAll('[data-view]')) b.setAttribute('aria-pressed', b.dataset.view === state.view);
  $('trail').replaceChildren();
  const main = $('main');
  main.replaceChildren();
  main.onmouseleave = null;
  ({ table: drawTable, keeps: drawKeeps })[state.view] ? ({ table: drawTable, keeps: drawKeeps })[state.view](main) : drawMap(main);
}

data.outputs.forEach((o, i) => $('output').append(el('option', { value: String(i), textContent: o.path })));
$('output').onchange = e => write({ out: e.target.value, at: '' });
$('by').onchange = e => write({ by: e.target.value, at: '' });
$('search').oninput = e => write({ q: e.target.value });
for (const b of document.querySelectorAll('[data-view]')) b.onclick = () => write({ view: b.dataset.view });
addEventListener('hashchange', () => { read(); draw(); });
addEventListener('resize', () => { if (state.view === 'map') draw(); });
read();
draw();
