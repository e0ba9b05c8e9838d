// node other_pages.mjs PEERS FOLDER KIND=FILE.html...: pages of a sweep and of a comparison.
import {join} from 'node:path';
import {check, check_readable, open_browser, open_page} from './browser.mjs';

const [peers, folder, ...pairs] = process.argv.slice(2);
const browser = await open_browser(peers);
const wanted = {
  sweep: async page => {
    check((await page.locator('svg.chart circle').count()) > 3, 'each setting is a point');
    check((await page.locator('polyline.front').count()) > 0, 'the front is drawn');
    check((await page.locator('tbody tr').count()) > 3, 'and listed');
  },
  strip: async page => {
    const pictures = page.locator('.strip img');
    check((await pictures.count()) > 2, 'a strip of pictures');
    const loaded = await pictures.evaluateAll(all => all.every(i => i.src.startsWith('data:image/png') && i.naturalWidth > 16));
    check(loaded, 'all of them PNG that the browser can show');
  },
  compare: async page => {
    check((await page.locator('polyline').count()) === 1, 'the ratio along the network is drawn');
    check((await page.locator('tr.on').count()) > 0, 'the layer at fault is marked');
  },
};

try {
  for (const pair of pairs) {
    const [kind, file] = pair.split('=');
    const {page, problems} = await open_page(browser, file, {colorScheme: 'light'});
    await wanted[kind](page);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({colorScheme});
      await check_readable(page, `${kind}, ${colorScheme}`);
      await page.screenshot({path: join(folder, `${kind}.${colorScheme}.png`), fullPage: true});
    }
    check(problems.length === 0, `no error and no request${problems.map(p => '\n  ' + p).join('')}`);
    await page.close();
  }
} finally {
  await browser.close();
}
