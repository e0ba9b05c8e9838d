// Size against agreement: one point per setting, the best of each size joined (the Pareto front).
function plot(output, metric, higher) {
  const points = data.runs.map((run, i) => ({i, run, x: run.bytes, y: number((run.outputs[output] || {})[metric] && run.outputs[output][metric].value)}))
    .filter(p => Number.isFinite(p.y));
  if (!points.length) return null;
  const W = 1000, H = 320, left = 80, low = Math.min(...points.map(p => p.y)), high = Math.max(...points.map(p => p.y));
  const most = Math.max(...points.map(p => p.x)), span = high - low || 1;
  const x = v => left + (W - left - 40) * v / most, y = v => H - 40 - (H - 70) * (v - low) / span;
  const front = [];
  for (const p of [...points].sort((a, b) => a.x - b.x || (higher ? b.y - a.y : a.y - b.y)))
    if (!front.length || (higher ? p.y > front[front.length - 1].y : p.y < front[front.length - 1].y)) front.push(p);
  const algorithms = [...new Set(data.runs.map(r => r.algorithm))], colours = ['var(--a)', 'var(--b)', 'var(--mark)', 'var(--good)', 'var(--bad)'];
  const parts = [s('line', {x1: left, x2: W - 30, y1: H - 36, y2: H - 36, stroke: 'var(--line)'}), s('line', {x1: left, x2: left, y1: 20, y2: H - 36, stroke: 'var(--line)'}),
    text(left, H - 14, '0'), text(W - 40, H - 14, bytes(most), {'text-anchor': 'end'}), text(left - 6, y(low), show(metric, low), {'text-anchor': 'end'}),
    text(left - 6, y(high) + 4, show(metric, high), {'text-anchor': 'end'}),
    s('polyline', {points: front.map(p => `${x(p.x)},${y(p.y)}`).join(' '), fill: 'none', stroke: 'var(--soft)', 'stroke-dasharray': '4 3', class: 'front'})];
  for (const p of points)
    parts.push(s('circle', {cx: x(p.x), cy: y(p.y), r: 6, fill: colours[algorithms.indexOf(p.run.algorithm) % colours.length], tabindex: 0},
      s('title', {}, `${p.run.algorithm} ${p.run.bits} bits ${p.run.granularity}: ${bytes(p.run.bytes)}, ${show(metric, p.y)}`)),
      // Above for one algorithm, below for the next: points of the same bits lie close together.
      text(x(p.x) + 8, y(p.y) + (algorithms.indexOf(p.run.algorithm) % 2 ? 16 : -6), p.run.bits, {class: 'soft'}));
  const legend = h('p', {class: 'soft legend'}, algorithms.map((a, i) => h('span', {}, [h('i', {style: `background:${colours[i % colours.length]}`}), a])));
  return h('div', {class: 'card'}, [h('h3', {}, `${metric} of ${output} against size`), legend, chart(W, H, `${metric} of ${output} against size`, parts),
    h('p', {class: 'soft'}, 'The dashed line joins the settings that no smaller one beats: ' + front.map(p => `${p.run.algorithm} ${p.run.bits}`).join(', '))]);
}

page.append(h('h1', {}, `Sweep of ${data.model}`), h('p', {class: 'soft'}, `${count(data.runs.length, 'setting')} over ${count(data.samples.count, 'sample')}, one run of the float model (${bytes(data.source_bytes)})`));
const metrics = new Map();
for (const run of data.runs)
  for (const [output, figures] of Object.entries(run.outputs))
    for (const metric of Object.keys(figures)) metrics.set(output + '\u0000' + metric, [output, metric]);
// A label repeats what its scores say.
const repeats = (output, metric) => [...metrics.values()].some(([o, m]) => o !== output && m === metric) &&
  [...metrics.values()].filter(([o]) => o === output).length === 1;
let plots = 0;
for (const [output, metric] of metrics.values())
  if (data.shown.includes(metric) && !repeats(output, metric)) { const p = plot(output, metric, data.higher.includes(metric)); if (p) { page.append(p); plots++; } }
const columns = [...metrics.values()].filter(([output, metric]) => data.shown.includes(metric) && !repeats(output, metric));
page.append(h('h2', {}, 'All settings'), h('div', {class: 'card'}, table(
  [['algorithm'], ['bits', 'n'], ['granularity'], ['bytes', 'n'], ...columns.map(([o, m]) => [`${m} of ${o}`, 'n'])],
  data.runs.map(run => h('tr', {}, [h('td', {}, run.algorithm), h('td', {class: 'n'}, run.bits), h('td', {}, run.granularity), h('td', {class: 'n'}, bytes(run.bytes)),
    ...columns.map(([o, m]) => h('td', {class: 'n'}, (run.outputs[o] || {})[m] ? show(m, run.outputs[o][m].value) : ''))])))));
for (const strip of data.strips)
  page.append(h('h2', {}, `Pictures of ${strip.algorithm}`), h('div', {class: 'card strip'}, strip.pictures.map(p =>
    h('figure', {}, [h('img', {src: p.uri, alt: count(p.bits, 'bit')}), h('figcaption', {}, `${count(p.bits, 'bit')}${p.bits === 32 ? ' (float)' : ''}, ${bytes(p.bytes)}`)]))));
