// Layer by layer: how far the second model's values are from the first's, and where that begins.
const W = 260, snr = l => number(l.snr_db);
page.append(h('h1', {}, 'Two models, layer by layer'), h('p', {class: 'soft'}, `A: ${fileName(data.a.file)} (${bytes(data.a.bytes)}), B: ${fileName(data.b.file)} (${bytes(data.b.bytes)}), ${count(data.samples.count, 'sample')}, ${data.layers.length} layers in both`));
page.append(h('div', {class: 'card'}, [
  h('p', {}, data.first ? [h('strong', {class: 'bad'}, data.first), ' is the first layer whose values differ.'] : h('strong', {class: 'good'}, 'No layer differs.')),
  data.worst && h('p', {}, [h('strong', {class: 'bad'}, data.worst), ` adds most: ${data.worst_drop.toFixed(1)} dB worse than what it reads.`])].filter(Boolean)));
if (data.layers.length) {
  const CW = 900, H = 220, x = i => 40 + (CW - 60) * i / Math.max(1, data.layers.length - 1), y = v => 200 - 180 * Math.max(0, Math.min(v, 100)) / 100;
  page.append(h('div', {class: 'card'}, chart(CW, H, 'signal to noise ratio along the network', [
    s('line', {x1: 40, x2: CW - 20, y1: 200, y2: 200, stroke: 'var(--line)'}), text(34, 24, '100', {'text-anchor': 'end'}), text(34, 204, '0 dB', {'text-anchor': 'end'}),
    s('polyline', {points: data.layers.map((l, i) => `${x(i)},${y(snr(l))}`).join(' '), fill: 'none', stroke: 'var(--a)', 'stroke-width': 2}),
    ...data.layers.map((l, i) => s('circle', {cx: x(i), cy: y(snr(l)), r: l.name === data.first || l.name === data.worst ? 6 : 3, fill: l.name === data.first || l.name === data.worst ? 'var(--bad)' : 'var(--a)'}, s('title', {}, `${l.name}: ${round(snr(l))} dB`)))])));
}
const outputs = [];
for (const [output, figures] of Object.entries(data.outputs))
  for (const [metric, m] of Object.entries(figures)) outputs.push(h('tr', {}, [h('td', {}, output), h('td', {}, metric), h('td', {class: 'n'}, show(metric, m.value))]));
page.append(h('h2', {}, 'Outputs'), h('div', {class: 'card'}, table([['output'], ['metric'], ['value', 'n']], outputs)));
page.append(h('h2', {}, 'Layers'), h('div', {class: 'card'}, table([['layer'], ['operator'], ['SNR dB', 'n'], ['lost here', 'n'], ['']], data.layers.map(l => {
  const v = snr(l);
  return h('tr', {class: l.name === data.first || l.name === data.worst ? 'on' : null}, [h('td', {}, short(l.name, 50)), h('td', {}, l.op), h('td', {class: 'n'}, v >= 200 ? 'equal' : v.toFixed(1)), h('td', {class: 'n'}, l.lost > 0 ? l.lost.toFixed(1) : ''),
    h('td', {}, chart(W, 12, `${round(v)} dB`, [bar(0, 1, W * Math.max(0, Math.min(v, 100)) / 100, 10, v < 15 ? 'var(--bad)' : 'var(--a)')]))]);
}))));
