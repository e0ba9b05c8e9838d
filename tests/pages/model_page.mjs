// node model_page.mjs PEERS FOLDER FILE.html...: a network is drawn, folds, answers clicks, keys and the search.
import {basename, join} from 'node:path';
import {check, check_readable, open_browser, open_page} from './browser.mjs';

const [peers, folder, ...files] = process.argv.slice(2);
const browser = await open_browser(peers);

// A layer by click, after unfolding a group where there is one.
async function choose(page) {
  const folded = page.locator('.node[data-layer=""], .node:not([data-layer])').first();
  if (await folded.count()) {
    const before = await page.locator('#crumbs').textContent();
    await folded.click();
    check((await page.locator('#crumbs').textContent()) !== before, 'a group unfolds');
  }
  const node = page.locator('.node[data-layer]').first();
  await node.click();
  check((await page.locator('#layer table.parameters tr').count()) > 3, 'a click on a layer shows its parameters');
  check((await page.locator('#layer').textContent()).includes('operator'), 'its operator among them');
  await node.focus();
  await page.keyboard.press('Enter');
  check((await page.locator('.node.on').count()) === 1, 'Enter selects it, too');
}

try {
  for (const file of files) {
    const start = Date.now();
    const {page, problems, bytes} = await open_page(browser, file, {colorScheme: 'light'});
    console.log(`${basename(file)} is there after ${Date.now() - start} ms`);
    check((await page.locator('.node').count()) > 2, `${basename(file)} (${bytes} bytes): the network is drawn`);
    check((await page.locator('#drawing path').count()) > 1, 'with its edges');
    check((await page.locator('.node').count()) < 150, 'and folded where it is large');
    const inside = await page.evaluate(() => [new Set(data.drawings.flatMap(d => d.nodes.filter(n => byName.has(n)))).size, data.layers.length]);
    check(inside[0] === inside[1], `each of ${inside[1]} layers is in a drawing`);
    await page.screenshot({path: join(folder, `${basename(file, '.html')}.whole.png`)});
    await choose(page);
    await page.fill('input[type=search]', 'conv');
    check((await page.locator('#results li').count()) > 0, 'the search finds layers');
    const wanted = await page.locator('#results button').last().textContent();
    await page.locator('#results button').last().click();
    check(wanted.startsWith(await page.locator('#layer h3').first().textContent()), `it leads to ${wanted}`);
    check((await page.locator('.node.on').count()) === 1, 'and to its place in the drawing');
    check((await page.locator('#layer table.parameters tr').count()) > 3, 'and leads to them');
    await page.fill('input[type=search]', '');
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({colorScheme});
      await check_readable(page, colorScheme);
      await page.screenshot({path: join(folder, `${basename(file, '.html')}.${colorScheme}.png`)});
    }
    check(problems.length === 0, `no error and no request${problems.map(p => '\n  ' + p).join('')}`);
    await page.close();
  }
} finally {
  await browser.close();
}
