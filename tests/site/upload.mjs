// Checks that a browser uploads files by the form in a listing, without any script of the page.
//   node upload.mjs http://127.0.0.1:8080 [SCREENSHOT_FOLDER]
// The server serves a folder without index.html, with --write. Needs what site.mjs needs.
import { chromium } from 'playwright-core';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const [base, shots] = process.argv.slice(2);
if (!base) {
  console.error('usage: node upload.mjs BASE_URL [SCREENSHOT_FOLDER]');
  process.exit(2);
}
const LIMIT = 15000;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let failed = 0;
async function test(name, run) {
  try { await run(); console.log(`ok    ${name}`); }
  catch (e) { failed++; console.log(`FAIL  ${name}\n      ${e?.message ?? e}`); }
}
function must(truth, why) { if (!truth) throw new Error(why); }
const file = (name, text) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await (await browser.newContext({ baseURL: base, javaScriptEnabled: false })).newPage();
page.setDefaultTimeout(LIMIT);
const complaints = [];
page.on('console', message => /policy|refused/i.test(message.text()) && complaints.push(message.text()));

async function send(files, { replace = false, at = '/' } = {}) {
  await page.goto(at);
  await page.locator('input[type=file]').setInputFiles(files);
  await page.getByLabel('Replace files that exist').setChecked(replace);
  const [response] = await Promise.all([
    page.waitForResponse(response => response.request().method() === 'POST'),
    page.getByRole('button', { name: 'Upload', exact: true }).click(),
  ]);
  await page.waitForLoadState('load');
  return response;
}
const content = async target => (await page.request.get(target)).text();

await test('a form uploads several files, whatever their names are', async () => {
  const names = ['plain.txt', 'a b & "c".txt', 'größe %41 #?.txt', '日本.bin'];
  const response = await send(names.map(name => file(name, `content of ${name}`)), { at: '/?sort=size' });
  must(response.status() === 303, `the status is ${response.status()}`);
  must(new URL(page.url()).pathname === '/', page.url());
  for (const name of names) {
    must(await page.getByRole('link', { name, exact: true }).count() === 1, `${name} is not listed`);
    must(await content('/' + encodeURIComponent(name)) === `content of ${name}`, `${name} is another one`);
  }
});

await test('what exists stays, and the page says so, unless the box is ticked', async () => {
  let response = await send([file('plain.txt', 'second')]);
  must(response.status() === 409, `the status is ${response.status()}`);
  must((await page.locator('body').innerText()).includes('plain.txt exists'), 'the page does not say why');
  must(await content('/plain.txt') === 'content of plain.txt', 'it was replaced');
  response = await send([file('plain.txt', 'third')], { replace: true });
  must(response.status() === 303, `the status is ${response.status()}`);
  must(await content('/plain.txt') === 'third', 'it was not replaced');
});

await test('a large file arrives whole', async () => {
  const large = Buffer.alloc(20 << 20, 'abcdefg\r\n--');
  const response = await send([{ name: 'large.bin', mimeType: 'application/octet-stream', buffer: large }]);
  must(response.status() === 303, `the status is ${response.status()}`);
  must(large.equals(await (await page.request.get('/large.bin')).body()), 'it is another one');
});

const LOOKS = [['desktop', 1200, 'light'], ['phone', 390, 'light'], ['dark', 1200, 'dark'], ['phone-dark', 390, 'dark']];
for (const [name, width, colorScheme] of LOOKS) {
  // The form, and the page of an error.
  for (const target of ['/', '/nothing-here']) {
    await test(`${name} ${target}: fits, axe finds nothing`, async () => {
      const context = await browser.newContext({ baseURL: base, viewport: { width, height: 800 }, colorScheme });
      await context.addInitScript({ content: axe });
      const looked = await context.newPage();
      await looked.goto(target);
      const over = await looked.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(over <= 0, `the page is ${over} px wider than the window`);
      const { violations } = await looked.evaluate(() => globalThis.axe.run());
      must(violations.length === 0, violations.map(v => `${v.id}: ${v.help} ${v.nodes.map(n => n.target)}`).join('\n'));
      if (shots) await looked.screenshot({ path: path.join(shots, `upload-${name}${target === '/' ? '' : '-error'}.png`) });
      await context.close();
    });
  }
}

await test('the page breaks no policy', async () => must(complaints.length === 0, complaints.join('\n')));

await browser.close();
process.exit(failed ? 1 : 0);
