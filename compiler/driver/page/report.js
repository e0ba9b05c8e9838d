// The figure on an axis with its interval, the limit and the baseline.
function checkChart(check, measured) {
  const value = number(check.value), limit = parseFloat(check.limit.split(' ')[1]);
  const kind = check.limit.split(' ')[0], baseline = number(check.baseline);
  const wanted = kind === 'max_drop' ? NaN : limit;
  const marks = [value, wanted, baseline];
  if (measured) marks.push(number(measured.lower), number(measured.upper), number(measured.value));
  const finite = marks.filter(Number.isFinite);
  if (!finite.length) return h('p', {class: 'soft'}, 'nothing to draw');
  let low = Math.min(...finite), high = Math.max(...finite);
  const pad = (high - low) * 0.12 || Math.abs(high) * 0.02 || 1;
  low -= pad; high += pad;
  if (isShare(check.metric)) high = Math.min(Math.max(high, finite.length ? Math.max(...finite) : 1), 1 + pad);
  const W = 620, x = v => 10 + (W - 20) * (v - low) / (high - low), colour = check.passed ? 'var(--good)' : 'var(--bad)';
  const parts = [s('line', {x1: 10, x2: W - 10, y1: 34, y2: 34, stroke: 'var(--line)'})];
  if (measured && number(measured.lower) !== number(measured.upper))
    parts.push(s('line', {x1: x(number(measured.lower)), x2: x(number(measured.upper)), y1: 34, y2: 34, stroke: colour, 'stroke-width': 5, opacity: 0.45},
      s('title', {}, `95 % interval ${show(check.metric, measured.lower)} to ${show(check.metric, measured.upper)}`)));
  const mark = (v, colour, name, y, anchorAbove) => {
    if (!Number.isFinite(v)) return;
    const anchor = x(v) > W - 110 ? 'end' : x(v) < 110 ? 'start' : 'middle';
    parts.push(s('line', {x1: x(v), x2: x(v), y1: 24, y2: 44, stroke: colour, 'stroke-width': 2}));
    parts.push(text(x(v), anchorAbove ? 16 : 60, `${name} ${show(check.metric, v)}`, {'text-anchor': anchor}));
  };
  mark(wanted, 'var(--mark)', 'limit', 0, true);
  mark(baseline, 'var(--b)', 'baseline', 0, true);
  const point = measured ? number(measured.value) : value;
  if (Number.isFinite(point)) parts.push(s('circle', {cx: x(point), cy: 34, r: 6, fill: colour}));
  mark(value, colour, Math.abs(point - value) > 1e-12 ? 'bound' : 'value', 0, false);
  return chart(W, 68, `${check.metric}: ${show(check.metric, value)}, ${limitText(check)}, ${check.passed ? 'holds' : 'does not hold'}`, parts);
}

const limitText = check => check.limit.replace(/ (.*)/, (_, v) => ' ' + (Number.isFinite(parseFloat(v)) ? show(check.metric, parseFloat(v)) : v));

// More bits for one layer, and what they give back.
function curesPart(check) {
  const cures = check.cures;
  if (!cures) return null;
  const share = isShare(check.metric), unit = share ? 100 : 1;
  const back = (gain, error) => (gain > 0 ? '+' : '') + round(unit * gain, 3) + (error > 0 ? ' ± ' + round(unit * error, 2) : '') +
    (share ? ' points' : /_db$/.test(check.metric) ? ' dB' : '');
  const row = (name, bits, gain, error, size, rule) => h('tr', {class: rule ? null : 'soft'}, [h('td', {}, short(name, 44)), h('td', {class: 'n'}, bits),
    h('td', {class: 'n'}, back(number(gain), number(error))), h('td', {class: 'n'}, '+' + bytes(size)), h('td', {}, rule && h('code', {}, '- ' + rule))]);
  const rows = cures.layers.map(c => row(c.layer, `${c.bits} → ${c.better_bits}`, c.gain, c.error, c.bytes, c.rule));
  if (rows.length > 1) rows.push(row('all of them', '', cures.together, cures.error, cures.bytes, ''));
  return h('div', {class: 'cures'}, [h('h3', {}, 'The layers that cost most, and what more bits give back'),
    table([['layer'], ['bits', 'n'], [check.metric, 'n'], ['size', 'n'], ['for the top of quantize: layers:']], rows), h('p', {class: 'soft'}, cures.basis)]);
}

function gatePart(report) {
  const cards = report.checks.map(check => {
    const measured = check.output && (report.outputs[check.output] || {})[check.metric];
    return h('div', {class: 'card check'}, [
      h('p', {}, [h('strong', {class: check.passed ? 'good' : 'bad'}, check.passed ? 'holds ' : 'RED '),
        `${check.metric}${check.output ? ' of ' + check.output : ''}: ${limitText(check)}`]),
      checkChart(check, measured),
      check.sentence && h('p', {}, check.sentence), check.hint && h('p', {class: 'soft'}, check.hint),
      (check.notes || []).map(note => h('p', {class: 'soft'}, note)), curesPart(check)].flat());
  });
  if (!cards.length) cards.push(h('p', {class: 'soft'}, 'The manifest sets no limits.'));
  for (const failure of report.samples.failures)
    cards.push(h('p', {class: 'bad'}, `sample ${failure.name} ${failure.why}`));
  return [h('h2', {}, 'Gate'), ...cards];
}

function figuresPart(report) {
  const rows = [];
  for (const [output, figures] of Object.entries(report.outputs))
    for (const [metric, m] of Object.entries(figures))
      rows.push(h('tr', {}, [h('td', {}, output), h('td', {}, metric), h('td', {class: 'n'}, show(metric, m.value)),
        h('td', {class: 'n'}, number(m.lower) !== number(m.upper) && Number.isFinite(number(m.lower)) ? `${show(metric, m.lower)} to ${show(metric, m.upper)}` : ''),
        h('td', {}, isShare(metric) && metric !== 'worst_class_agreement' ? `${(m.samples || []).length} missed` : (m.samples || []).length ? 'worst: ' + m.samples[0] : '')]));
  if (!rows.length) return [];
  return [h('h2', {}, 'Figures'), h('div', {class: 'card'}, [
    h('p', {class: 'soft'}, `${count(report.samples.count, 'sample')}, ${report.samples.failed} failed; intervals: ${report.interval || ''}`),
    table([['output'], ['metric'], ['value', 'n'], ['95 % interval', 'n'], ['']], rows)])];
}

function sizePart(report) {
  const W = 620, most = Math.max(report.bytes.source, report.bytes.artifact, 1), w = v => (W - 240) * v / most;
  const line = (y, name, v, colour) => [text(0, y + 14, name), bar(80, y, w(v), 18, colour), text(88 + w(v), y + 14, bytes(v))];
  return [h('h2', {}, 'Size'), h('div', {class: 'card'}, chart(W, 84,
    `the source has ${bytes(report.bytes.source)}, the artifact ${bytes(report.bytes.artifact)}`,
    [...line(2, 'source', report.bytes.source, 'var(--soft)'), ...line(28, 'artifact', report.bytes.artifact, 'var(--a)'),
      ...line(54, 'weights', report.bytes.weights, 'var(--a)')]))];
}

// Weights before (filled) and after (sticks at the values that are left).
function histogram(layer, detail) {
  if (!detail || !detail.before) return h('p', {class: 'soft'}, 'no histogram was kept');
  const W = 620, H = 190, low = detail.low, high = detail.high, span = high - low || 1;
  const most = Math.max(...detail.before, 1), x = v => 10 + (W - 20) * (v - low) / span;
  const width = (W - 20) / detail.before.length;
  const parts = detail.before.map((n, i) => bar(10 + i * width, 10 + 120 * (1 - n / most), width - 0.5, 120 * n / most, 'var(--a)', `${n} weights`));
  const top = Math.max(...(detail.after || []), 1);
  (detail.after || []).forEach((n, i) => n && parts.push(bar(10 + i * width, 142, width - 0.5, 22 * n / top, 'var(--b)', `${n} weights after`)));
  (detail.levels || []).forEach(v => parts.push(s('line', {x1: x(v), x2: x(v), y1: 132, y2: 140, stroke: 'var(--mark)'}, s('title', {}, round(v, 6)))));
  parts.push(text(10, H - 6, round(low)), text(W - 10, H - 6, round(high), {'text-anchor': 'end'}),
    text(W / 2, H - 6, `above: before, below: after${(detail.levels || []).length ? ', between: the ' + detail.levels.length + ' values left' : ''}`, {'text-anchor': 'middle', class: 'soft'}));
  return chart(W, H, `weights of ${layer.name} before and after`, parts);
}

function layersPart(report, details) {
  if (!report.layers.length) return [];
  const shown = h('div', {class: 'card', 'aria-live': 'polite', id: 'layer-' + report.model});
  const rows = [];
  const select = i => {
    const layer = report.layers[i];
    rows.forEach(row => row.classList.toggle('on', row.dataset.layer === String(i)));
    shown.replaceChildren(h('h3', {}, layer.name), h('p', {class: 'soft'},
      `${layer.op}, ${layer.elements} weights, ${layer.bits} bits, ${layer.algorithm} ${layer.granularity}, ${bytes(layer.bytes)}, SNR ${round(number(layer.snr_db))} dB`),
      histogram(layer, (details.layers || [])[i]));
  };
  const finite = report.layers.map(l => number(l.snr_db)).filter(Number.isFinite);
  const best = Math.max(...finite, 1), most = Math.max(...report.layers.map(l => 4 * l.elements), 1);
  // Biases and the like, which nothing was done to, are one line together.
  const elements = report.layers.reduce((sum, l) => sum + l.elements, 0);
  const minor = l => !Number.isFinite(number(l.snr_db)) && l.elements * 50 < elements;
  report.layers.forEach((layer, i) => {
    if (minor(layer)) return;
    const snr = number(layer.snr_db), W = 170;
    const error = chart(W, 14, `SNR ${round(snr)} dB`, [bar(0, 1, Number.isFinite(snr) ? W * Math.max(snr, 0) / best : W, 12, Number.isFinite(snr) ? (snr < 15 ? 'var(--bad)' : 'var(--a)') : 'var(--line)')]);
    const size = chart(W, 14, `${bytes(4 * layer.elements)} as floats, ${bytes(layer.bytes)} now`,
      [bar(0, 1, W * 4 * layer.elements / most, 12, 'var(--line)'), bar(0, 1, W * layer.bytes / most, 12, 'var(--a)')]);
    rows.push(h('tr', {'data-layer': i}, [h('td', {}, h('button', {class: 'link layer', onclick: () => select(i)}, short(layer.name, 44))),
      h('td', {class: 'n'}, layer.bits), h('td', {}, layer.bits >= 32 ? 'kept' : layer.algorithm), h('td', {class: 'n'}, bytes(layer.bytes)), h('td', {}, size),
      h('td', {class: 'n'}, Number.isFinite(snr) ? snr.toFixed(1) : 'exact'), h('td', {}, error)]));
  });
  const kept = report.layers.filter(minor);
  const rest = kept.length && h('tr', {class: 'soft'}, [h('td', {}, count(kept.length, 'small tensor')), h('td', {}, ''), h('td', {}, 'kept'),
    h('td', {class: 'n'}, bytes(kept.reduce((sum, l) => sum + l.bytes, 0))), h('td', {}, ''), h('td', {class: 'n'}, 'exact'), h('td', {}, '')]);
  const worst = report.layers.reduce((a, l, i) => number(l.snr_db) < number(report.layers[a].snr_db) ? i : a, 0);
  select(worst);
  return [h('h2', {}, 'Layers'), h('p', {class: 'soft'}, 'Grey: as 32-bit floats. A layer shows the histogram of its weights, the worst one first.'), shown,
    h('div', {class: 'card'}, table([['layer'], ['bits', 'n'], ['algorithm'], ['bytes', 'n'], ['of its floats'], ['SNR dB', 'n'], ['']], rest ? [...rows, rest] : rows))];
}

function confusionPart(report, details) {
  const parts = [];
  for (const [output, ranking] of Object.entries(report.rankings || {})) {
    const worst = ranking.classes.filter(c => c.agreed < c.n).sort((a, b) => a.agreed / a.n - b.agreed / b.n || b.n - a.n);
    const pairs = new Map();
    for (const flip of ranking.flips) {
      const key = JSON.stringify([flip.reference, flip.candidate]);
      pairs.set(key, (pairs.get(key) || 0) + 1);
    }
    parts.push(h('h2', {}, `Labels of ${output}`));
    parts.push(h('p', {class: 'soft'}, `${ranking.classes.length} classes were seen, ${worst.length} of them with a changed label, ${ranking.flips.length} samples flipped.`));
    if (!ranking.flips.length) continue;
    parts.push(confusion(ranking));
    parts.push(h('div', {class: 'card row'}, [
      h('div', {}, [h('h3', {}, 'Worst classes'), table([['class'], ['agree', 'n'], ['of', 'n']], worst.slice(0, 20).map(c =>
        h('tr', {}, [h('td', {}, c.label), h('td', {class: 'n'}, c.agreed), h('td', {class: 'n'}, c.n)])))]),
      h('div', {}, [h('h3', {}, 'Float label to quantized label'), table([['float'], ['quantized'], ['samples', 'n']],
        [...pairs].sort((a, b) => b[1] - a[1]).slice(0, 20).map(([key, n]) => h('tr', {}, [...JSON.parse(key).map(l => h('td', {}, l)), h('td', {class: 'n'}, n)])))])]));
    const pictures = details.pictures || {};
    parts.push(h('h3', {}, 'Samples that flipped'), h('div', {class: 'row flips'}, ranking.flips.slice(0, 60).map(flip => h('figure', {}, [
      pictures[flip.sample] && h('img', {src: pictures[flip.sample], width: 120, height: 120, alt: flip.sample}),
      h('figcaption', {}, [h('div', {}, `${flip.reference} ${round(number(flip.reference_score), 3)}`), h('div', {class: 'bad'}, `${flip.candidate} ${round(number(flip.candidate_score), 3)}`),
        h('div', {class: 'soft'}, short(flip.sample, 40))])]))));
    if (ranking.flips.length > 60) parts.push(h('p', {class: 'soft'}, `and ${ranking.flips.length - 60} more, all of them in the JSON report`));
  }
  return parts;
}

// The square of float against quantized labels, of the classes in which anything changed.
function confusion(ranking) {
  const labels = [...new Set(ranking.flips.flatMap(f => [f.reference, f.candidate]))].slice(0, 24);
  const counts = new Map(), key = (a, b) => a + '\u0000' + b;
  for (const c of ranking.classes) if (c.agreed) counts.set(key(c.label, c.label), c.agreed);
  for (const f of ranking.flips) counts.set(key(f.reference, f.candidate), (counts.get(key(f.reference, f.candidate)) || 0) + 1);
  const cell = 20, left = 14 + 7 * Math.min(26, Math.max(...labels.map(l => l.length))), parts = [];
  labels.forEach((row, y) => {
    parts.push(text(left - 6, 14 + y * cell, short(row, 26), {'text-anchor': 'end'}));
    labels.forEach((column, x) => {
      const n = counts.get(key(row, column)) || 0;
      parts.push(s('rect', {x: left + x * cell, y: y * cell, width: cell - 1, height: cell - 1, fill: n ? (x === y ? 'var(--good)' : 'var(--bad)') : 'var(--line)', 'fill-opacity': n ? 0.14 + Math.min(n, 10) * 0.03 : 0.35},
        s('title', {}, `${row} → ${column}: ${n}`)));
      if (n) parts.push(text(left + x * cell + cell / 2, 14 + y * cell, n, {'text-anchor': 'middle'}));
    });
  });
  return h('div', {class: 'card'}, [h('p', {class: 'soft'}, 'Rows: the float model. Columns: the quantized one, in the same order. Only classes with a changed label.'),
    chart(left + labels.length * cell, labels.length * cell, 'confusion of float and quantized labels', parts)]);
}

function picturesPart(details) {
  if (!(details.outputs || []).length) return [];
  return [h('h2', {}, 'Pictures'), ...details.outputs.map(o => h('div', {class: 'card'}, [h('p', {class: 'soft'}, `${o.output}, ${o.sample}`),
    h('div', {class: 'row'}, [['float', o.reference], ['quantized', o.candidate], ['difference, four times', o.difference]].map(([name, src]) =>
      h('figure', {}, [h('img', {src, alt: `${name} of ${o.sample}`}), h('figcaption', {}, name)])))]))];
}

function model(entry) {
  const {report, details} = entry, green = report.passed;
  return h('section', {id: 'model-' + report.model}, [
    h('h1', {}, [report.model + ' ', h('span', {class: 'badge ' + (green ? 'good' : 'bad')}, green ? 'green' : 'RED')]),
    h('p', {class: 'soft'}, `${bytes(report.bytes.source)} → ${bytes(report.bytes.artifact)}, ${count(report.samples.count, 'sample')}, mlqc ${report.tool.version}, ${report.tool.isa}`),
    ...gatePart(report), ...figuresPart(report), ...sizePart(report), ...layersPart(report, details || {}),
    ...confusionPart(report, details || {}), ...picturesPart(details || {}),
    h('p', {class: 'soft'}, `source ${report.source_sha256.slice(0, 16)}…, artifact ${report.artifact_sha256.slice(0, 16)}…, samples ${report.samples.sha256.slice(0, 16)}…`)]);
}

if (data.models.length > 1)
  page.append(h('nav', {'aria-label': 'models'}, [h('h1', {}, `${data.models.length} models`), h('ul', {}, data.models.map(m =>
    h('li', {}, [h('span', {class: 'badge ' + (m.report.passed ? 'good' : 'bad')}, m.report.passed ? 'green' : 'RED'), ' ',
      h('a', {href: '#model-' + m.report.model}, m.report.model)])))]));
data.models.forEach(m => page.append(model(m)));
