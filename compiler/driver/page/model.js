// The network as Graphviz laid it out ("plain" text: nodes and splines in inches), folded by groups.
const byName = new Map(data.layers.map((l, i) => [l.id, i]));
const shown = h('div', {class: 'card', 'aria-live': 'polite', id: 'layer'}, h('p', {class: 'soft'}, 'Choose a layer to see its parameters, shapes and weights.'));
const drawing = h('div', {class: 'card', id: 'drawing'});
const crumbs = h('p', {id: 'crumbs'});
const row = (name, value) => h('tr', {}, [h('td', {class: 'soft'}, name), h('td', {}, value)]);

function select(i) {
  const layer = data.layers[i];
  const rows = [row('operator', layer.op), row('output shape', layer.shape || 'not known'), row('weights', `${layer.weights}, ${bytes(layer.bytes)}`)];
  for (const [key, value] of Object.entries(layer.attributes)) rows.push(row(key, String(value)));
  rows.push(row('reads', layer.inputs.join(', ')), row('writes', layer.outputs.join(', ')));
  const tensors = layer.tensors.map(t => h('tr', {}, [h('td', {title: t.name}, t.name.startsWith(layer.name + '/') ? t.name.slice(layer.name.length + 1) : short(t.name, 30)), h('td', {}, t.shape), h('td', {}, t.type), h('td', {class: 'n'}, round(number(t.low))), h('td', {class: 'n'}, round(number(t.high))),
    h('td', {class: 'n'}, round(number(t.mean))), h('td', {class: 'n'}, round(number(t.deviation))), h('td', {class: 'n'}, (100 * t.zeros).toFixed(1) + ' %')]));
  shown.replaceChildren(...[h('h3', {}, [layer.name || layer.id, layer.custom && h('span', {class: 'badge bad'}, 'custom layer')]), layer.description && h('p', {}, layer.description), h('table', {class: 'parameters'}, h('tbody', {}, rows)),
    tensors.length && h('h3', {}, 'Weights'), tensors.length && table([['tensor'], ['shape'], ['type'], ['least', 'n'], ['greatest', 'n'], ['mean', 'n'], ['deviation', 'n'], ['zeros', 'n']], tensors)].filter(Boolean));
  document.querySelectorAll('.node').forEach(n => n.classList.toggle('on', n.dataset.layer === String(i)));
}

// A layout of our own, one below the other, where Graphviz was not there.
function stacked(group) {
  let out = `graph 1 6 ${group.nodes.length}\n`;
  group.nodes.forEach((id, i) => { out += `node ${id} 3 ${group.nodes.length - i - 0.5} 4 0.5 x\n`; });
  return out;
}

function draw(index) {
  const group = data.drawings[index], lines = (group.plain || stacked(group)).replace(/\\\n/g, '').split('\n'), scale = 64;
  const [, , w, ht] = lines[0].split(' ').map(Number), H = ht * scale;
  // Splines end where Graphviz would draw a head of its own.
  const parts = [s('defs', {}, s('marker', {id: 'arrow', viewBox: '0 0 10 10', refX: 0, refY: 5, markerWidth: 8, markerHeight: 8, orient: 'auto-start-reverse'},
    s('path', {d: 'M0 1 L10 5 L0 9 z', fill: 'var(--soft)'})))];
  const point = (x, y) => `${(x * scale).toFixed(1)},${(H - y * scale).toFixed(1)}`;
  for (const line of lines) {
    const f = line.split(' ');
    if (f[0] === 'edge') {
      const n = Number(f[3]), at = i => point(Number(f[4 + 2 * i]), Number(f[5 + 2 * i]));
      let path = 'M' + at(0);
      for (let i = 1; i + 2 < n; i += 3) path += ` C${at(i)} ${at(i + 1)} ${at(i + 2)}`;
      parts.push(s('path', {d: path, fill: 'none', stroke: 'var(--soft)', 'stroke-width': 1.2, 'marker-end': 'url(#arrow)'}));
    } else if (f[0] === 'node') {
      const id = f[1], x = Number(f[2]) * scale, y = H - Number(f[3]) * scale, nw = Number(f[4]) * scale, nh = Number(f[5]) * scale;
      const layer = byName.has(id) ? data.layers[byName.get(id)] : null, folded = group.folded && group.folded[id];
      const title = layer ? layer.name || id : folded ? folded.label : id;
      const act = () => layer ? select(byName.get(id)) : folded && draw(folded.drawing);
      const fill = layer && layer.custom ? 'var(--bad)' : folded ? 'var(--mark)' : layer && layer.weights ? 'var(--a)' : 'var(--soft)';
      parts.push(s('g', {class: 'node', tabindex: 0, role: 'button', 'aria-label': `${title}, ${layer ? layer.op : folded ? folded.count + ' layers' : 'value'}`, 'data-layer': layer ? byName.get(id) : null, onclick: act,
        onkeydown: e => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); act(); } }, style: 'cursor:pointer'}, [
        s('rect', {x: x - nw / 2, y: y - nh / 2, width: nw, height: nh, rx: 6, fill, 'fill-opacity': 0.18, stroke: fill}),
        text(x, y - 2, short(title, Math.max(8, Math.floor(nw / 7))), {'text-anchor': 'middle'}),
        text(x, y + 12, layer ? layer.op + (layer.shape ? ' ' + layer.shape : '') : folded ? folded.count + ' layers' : '', {'text-anchor': 'middle', class: 'soft', style: 'font-size:10px'}), s('title', {}, title)]));
    }
  }
  const svg = chart(w * scale + 4, H + 4, `the network: ${group.label}`, parts);
  svg.setAttribute('viewBox', `-2 -2 ${w * scale + 4} ${H + 4}`);
  svg.style.maxWidth = 'none';
  svg.setAttribute('role', 'group');
  drawing.replaceChildren(svg);
  crumbs.replaceChildren(...[index > 0 && h('button', {class: 'link', onclick: () => draw(0)}, 'whole network'), index > 0 && ' / ', group.label].filter(Boolean));
}

function search(word) {
  const found = word ? data.layers.map((l, i) => [l, i]).filter(([l]) => (l.name + ' ' + l.op).toLowerCase().includes(word.toLowerCase())).slice(0, 40) : [];
  results.replaceChildren(...found.map(([l, i]) => h('li', {}, h('button', {class: 'link', onclick: () => { const d = data.drawings.findIndex(g => g.nodes.includes(l.id)); if (d >= 0) draw(d); select(i); }}, `${l.name || l.id} (${l.op})`))));
}

const results = h('ul', {id: 'results'});
const describe = f => `${f.name}: ${f.kind} ${f.type} ${f.shape}${f.description ? ', ' + f.description : ''}`;
page.classList.add('wide');
page.append(h('h1', {}, fileName(data.file)), h('p', {class: 'soft'}, `${data.format}, ${bytes(data.bytes)}, ${data.layers.length} layers, ${data.totals.weights} weights`),
  ...Object.entries(data.metadata).map(([k, v]) => h('p', {class: 'soft'}, `${k}: ${v}`)),
  h('div', {class: 'card'}, [h('h3', {}, 'Inputs'), ...data.inputs.map(f => h('p', {}, describe(f))), h('h3', {}, 'Outputs'), ...data.outputs.map(f => h('p', {}, describe(f)))]),
  h('p', {}, h('input', {type: 'search', placeholder: 'search layers', 'aria-label': 'search layers', oninput: e => search(e.target.value)})), results, crumbs, h('div', {class: 'split'}, [drawing, shown]));
draw(0);
