// node report_page.mjs PEERS FOLDER FILE.html...: each page opens without an error or a request, has charts, works
// by keyboard, and answers a click on a layer. Screenshots land in FOLDER.
import {basename, join} from 'node:path';
import {check, check_readable, open_browser, open_page} from './browser.mjs';

const [peers, folder, ...files] = process.argv.slice(2);
const browser = await open_browser(peers);

async function visible_layer(page) {
  const button = page.locator('button.layer').last();
  const name = await button.textContent();
  await button.click();
  const card = page.locator('[id^="layer-"]').last();
  const shown = await card.textContent();
  check(shown.includes(name.split('…')[0]), `a click on ${name} shows it`);
  check((await card.locator('svg.chart rect').count()) > 3, 'with a histogram');
}

async function by_keyboard(page) {
  await page.locator('button.layer').first().focus();
  await page.keyboard.press('Enter');
  check((await page.locator('tr.on').count()) >= 1, 'Enter selects a layer');
  await page.keyboard.press('Tab');
  const tag = await page.evaluate(() => document.activeElement.tagName);
  check(tag === 'BUTTON' || tag === 'A' || tag === 'INPUT', 'Tab goes on to the next');
}

try {
  for (const file of files) {
    for (const colorScheme of ['light', 'dark']) {
      const {page, problems, bytes} = await open_page(browser, file, {colorScheme});
      check(bytes < 2e6, `${basename(file)} has ${bytes} bytes, fewer than 2 MB`);
      check((await page.locator('svg.chart').count()) > 3, 'charts are there');
      check((await page.locator('.check svg.chart circle').count()) > 0, 'a verdict is drawn');
      if (file.includes('gate')) check((await page.locator('.cures tbody tr').count()) >= 3, 'the layers at fault are listed');
      await visible_layer(page);
      await check_readable(page, colorScheme);
      await by_keyboard(page);
      await page.screenshot({path: join(folder, `${basename(file, '.html')}.${colorScheme}.png`), fullPage: true});
      await page.emulateMedia({media: 'print'});
      const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      check(back === 'rgb(255, 255, 255)', 'paper is white');
      check(problems.length === 0, `no error and no request${problems.map(p => '\n  ' + p).join('')}`);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
