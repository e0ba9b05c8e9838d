// node all.mjs PEERS WORK: every page that the other tests made, in headless Chromium; screenshots land in WORK.
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const [peers, work] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(work, ...parts);
// What needs shared material may be absent; what does not, may not.
const there = files => files.filter(existsSync);
const runs = [
  ['report_page.mjs', [at('forms', 'build', 'red', 'red.report.html'), at('forms', 'gate.html')]],
  ['model_page.mjs', [at('model', 'digits.html'), ...there([at('model', 'squeezenet.html'), at('model', 'large.html')])]],
  ['other_pages.mjs', ['sweep=' + at('sweep', 'sweep.html'),
    ...there([at('layers', 'planted.html')]).map(f => 'compare=' + f), ...there([at('strip', 'strip.html'), at('strip', 'strip_image.html')]).map(f => 'strip=' + f)]],
];
for (const [script, files] of runs) {
  const done = spawnSync(process.execPath, [join(here, script), peers, work, ...files], {stdio: 'inherit'});
  if (done.status !== 0) process.exit(done.status === null ? 1 : done.status);
}
