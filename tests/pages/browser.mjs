// What the tests of pages share: a headless Chromium that notes every error and every request.
import {createRequire} from 'node:module';
import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

export function skip(why) {
  console.log(`SKIPPED: ${why}`);
  process.exit(77);
}

// Debian's Chromium and npm's playwright-core, where both are there.
export async function open_browser(peers) {
  const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!program) skip('no Chromium (apt-get install chromium)');
  const home = join(peers, 'node_modules', 'playwright-core');
  if (!existsSync(home)) skip(`no playwright-core in ${peers} (./dev check installs it)`);
  const {chromium} = createRequire(import.meta.url)(home);
  return chromium.launch({executablePath: program, args: ['--no-sandbox', '--disable-gpu']});
}

export function check(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
  console.log(`ok: ${what}`);
}

// Opens a page from the disk; `problems` fills with console errors, exceptions and requests that leave the file.
export async function open_page(browser, file, options = {}) {
  const problems = [];
  const page = await browser.newPage({viewport: {width: 1200, height: 900}, ...options});
  page.on('console', message => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', error => problems.push(String(error)));
  page.on('request', request => !/^(file|data):/.test(request.url()) && problems.push(`request ${request.url()}`));
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('#page > *');
  return {page, problems, bytes: statSync(file).size};
}

// Text against what is behind it: contrast as WCAG 2 defines it, which asks for 4.5 of text of ordinary size.
export async function check_readable(page, what) {
  const poor = await page.evaluate(() => {
    const channels = text => {
      const all = (text.match(/[\d.]+/g) ?? []).map(Number);
      return text.startsWith('color(') ? [...all.slice(0, 3).map(v => 255 * v), all[3] ?? 1] : all;
    };
    const luminance = rgb => rgb.slice(0, 3).map(v => v / 255).map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const over = (top, alpha, below) => below.map((v, i) => alpha * (top[i] ?? v) + (1 - alpha) * v);
    // Backgrounds from the page up to the element, and the box that a text of a drawing stands in.
    const behind = element => {
      if (!element) return [255, 255, 255];
      const style = getComputedStyle(element);
      const back = channels(style.backgroundColor);
      const below = over(back, back.length < 3 ? 0 : back[3] ?? 1, behind(element.parentElement));
      if (element.tagName !== 'text') return below;
      const own = element.getBoundingClientRect();
      const box = [...element.parentElement.querySelectorAll(':scope > rect')].map(r => [r, r.getBoundingClientRect()])
          .findLast(([, b]) => b.left <= own.left && b.right >= own.right && b.top <= own.top && b.bottom >= own.bottom)?.[0];
      if (!box) return below;
      const fill = getComputedStyle(box);
      return over(channels(fill.fill), Number(fill.fillOpacity), below);
    };
    const found = [];
    const walker = document.createTreeWalker(document.querySelector('#page'), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || element.closest('script, style') || !element.getClientRects().length) continue;
      const style = getComputedStyle(element);
      const ink = luminance(channels(element instanceof SVGElement ? style.fill : style.color));
      const paper = luminance(behind(element));
      const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: "${node.data.trim().slice(0, 30)}" <${element.tagName} ${element.getAttribute('class') ?? ''}>`);
    }
    return found;
  });
  check(poor.length === 0, `${what}: all text is readable${poor.slice(0, 5).map(p => '\n  ' + p).join('')}`);
}
