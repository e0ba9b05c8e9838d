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
