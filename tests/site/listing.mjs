// Checks the listing of a folder in a real browser: how it looks, what axe says, that each link and button works.
//   node listing.mjs http://127.0.0.1:8080 SERVED_FOLDER [--screenshots DIR]
// Writes a folder with odd names into the served one, which is a copy. Needs what site.mjs needs.
import { chromium } from 'playwright-core';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const args = process.argv.slice(2);
let shots = null;
const at = args.indexOf('--screenshots');
if (at >= 0) [, shots] = args.splice(at, 2);
const [base, served] = args;
if (!served) {
  console.error('usage: node listing.mjs BASE_URL SERVED_FOLDER [--screenshots DIR]');
  process.exit(2);
}
if (shots) fs.mkdirSync(shots, { recursive: true });
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Three sizes and times, in another order than the names.
const FILES = [['a b.txt', 300, 2000], ['100% #1?.txt', 100, 3000], ['<img src=x onerror=alert(1)>.txt', 200, 1000]];
const ODD = ['a:b', '"quoted"', "it's", 'a+b&c;d', 'a%20b', '-rf', 'line\nend', 'grün', '日本🐌', 'אבג.txt',
  'exe\u202etxt.js', `long-${'x'.repeat(200)}`, 'javascript:alert(1)'];
const folder = path.join(served, 'a folder & more');
fs.mkdirSync(path.join(folder, 'odd'), { recursive: true });
fs.mkdirSync(path.join(folder, 'empty'));
for (const [name, size, time] of FILES) {
  fs.writeFileSync(path.join(folder, name), 'x'.repeat(size));
  fs.utimesSync(path.join(folder, name), time, time);
}
for (const name of ODD) fs.writeFileSync(path.join(folder, 'odd', name), name);
const START = '/a%20folder%20%26%20more/';
const PAGES = { listing: START, odd: `${START}odd/`, empty: `${START}empty/` };

let passed = 0, failed = 0;
function must(truth, why) { if (!truth) throw new Error(why); }
async function test(name, run) {
  try { await run(); passed++; console.log(`ok    ${name}`); }
  catch (e) { failed++; console.log(`FAIL  ${name}\n      ${String(e?.message ?? e).replace(/\n/g, '\n      ')}`); }
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
// A fresh context, in which nothing may go wrong.
async function open(options, run) {
  const context = await browser.newContext({ baseURL: base, ...options });
  context.setDefaultTimeout(15000);
  const page = await context.newPage();
  const wrong = [];
  page.on('console', m => { if (['error', 'warning'].includes(m.type())) wrong.push(`console: ${m.text()}`); });
  page.on('pageerror', e => wrong.push(`script error: ${e.message}`));
  page.on('dialog', d => { wrong.push(`a name became a script: ${d.message()}`); d.dismiss(); });
  page.on('response', r => { if (r.status() >= 400) wrong.push(`status ${r.status()}: ${r.url()}`); });
  try {
    await run(page, context);
    must(wrong.length === 0, wrong.join('\n'));
  } finally {
    await context.close();
  }
}
const names = page => page.locator('tbody tr:has(th:not(.d)) a').allTextContents();

for (const [name, target] of Object.entries(PAGES)) {
  for (const [colorScheme, width] of [['light', 1280], ['light', 360], ['dark', 1280], ['dark', 360]]) {
    const look = `${name}-${width}-${colorScheme}`;
    await test(`${look}: loads clean, fits, axe finds nothing`, () => open({ colorScheme, viewport: { width, height: 800 } }, async (page, context) => {
      await context.addInitScript({ content: axe });
      await page.goto(target);
      if (shots) await page.screenshot({ path: path.join(shots, `${look}.png`), fullPage: true });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(over <= 0, `the page is ${over} px wider than the window`);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      must(background === (colorScheme === 'dark' ? 'rgb(16, 21, 31)' : 'rgb(246, 243, 236)'), `the style is not used: ${background}`);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      must(violations.length === 0, violations.map(v => `${v.id}: ${v.help}\n` + v.nodes.map(n => `  ${n.target}: ${n.failureSummary}`).join('\n')).join('\n'));
    }));
  }
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with script' : 'without script';
  await test(`${how}: the heads of the columns sort, and turn the order round`, () => open({ javaScriptEnabled }, async page => {
    const [ab, percent, img] = FILES.map(([name]) => name);
    await page.goto(START);
    must((await names(page)).join() === [img, percent, ab].join() || (await names(page)).join() === [percent, img, ab].join(), `by name: ${await names(page)}`);
    for (const [head, want, sorted] of [
      ['Size', [ab, img, percent], 'descending'], ['Size', [percent, img, ab], 'ascending'],
      ['Modified', [percent, ab, img], 'descending'], ['Modified', [img, ab, percent], 'ascending'],
    ]) {
      await page.getByRole('button', { name: head }).press('Enter');
      await page.waitForLoadState();
      must((await names(page)).join() === want.join(), `${head}, ${sorted}: ${await names(page)}`);
      const column = page.locator(`th[aria-sort=${sorted}]`);
      must(await column.count() === 1 && (await column.textContent()).startsWith(head), `${head} is not marked as ${sorted}`);
      must(new URL(page.url()).pathname === START, page.url());
    }
  }));
  await test(`${how}: every link leads to its file, and the path leads up`, () => open({ javaScriptEnabled }, async (page, context) => {
    await page.goto(`${START}odd/`);
    const links = await page.locator('tbody a').evaluateAll(all => all.map(a => a.href)).catch(() => []);
    must(links.length === ODD.length, `${links.length} links`);
    const got = [];
    for (const link of links) got.push(await (await context.request.get(link)).text());
    must(got.sort().join() === [...ODD].sort().join(), got.join());
    await page.getByRole('navigation').getByRole('link', { name: 'a folder & more' }).click();
    must(new URL(page.url()).pathname === START, page.url());
    await page.getByRole('link', { name: 'odd/' }).click();
    must(new URL(page.url()).pathname === `${START}odd/`, page.url());
  }));
  await test(`${how}: the folder is downloaded`, () => open({ javaScriptEnabled }, async page => {
    await page.goto(START);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download as tar' }).click()]);
    must(download.suggestedFilename() === 'a folder & more.tar', download.suggestedFilename());
    const size = fs.statSync(await download.path()).size;
    must(size % 512 === 0 && size > 10000, `${size} bytes`);
  }));
}

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
