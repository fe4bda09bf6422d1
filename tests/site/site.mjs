// Checks the demo site of a running server in a real browser.
//   node site.mjs http://127.0.0.1:8080 [--screenshots DIR]
// Needs /usr/bin/chromium (or CHROMIUM=path) and `npm ci` in this folder.
import { chromium } from 'playwright-core';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

const args = process.argv.slice(2);
let shots = null;
const at = args.indexOf('--screenshots');
if (at >= 0) [, shots] = args.splice(at, 2);
if (args.length !== 1 || (at >= 0 && !shots)) {
  console.error('usage: node site.mjs BASE_URL [--screenshots DIR]');
  process.exit(2);
}
const base = new URL(args[0]);
if (shots) fs.mkdirSync(shots, { recursive: true });

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const MISSING = '/no/such/page';
const PAGES = { home: '/', about: '/about/', rooms: '/rooms/', status: '/-/status', missing: MISSING };
const LIMIT = 15000;

let passed = 0;
let failed = 0;
function pass(name) { passed++; console.log(`ok    ${name}`); }
function fail(name, why) { failed++; console.log(`FAIL  ${name}\n      ${String(why).replace(/\n/g, '\n      ')}`); }
function must(truth, why) { if (!truth) throw new Error(why); }
async function test(name, run) {
  try { await run(); pass(name); } catch (e) { fail(name, e?.message ?? e); }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// A fresh context that notes whatever goes wrong in it. `expect` lists the
// statuses that the test means to provoke: the browser logs those as errors too.
async function open({ expect = [], ...options } = {}, run) {
  const context = await browser.newContext({ baseURL: base.origin, ...options });
  context.setDefaultTimeout(LIMIT);
  const page = await context.newPage();
  const wrong = [];
  const meant = new RegExp(`status of (${expect.join('|')})\\b`);
  page.on('console', m => {
    if (m.type() !== 'error' && m.type() !== 'warning') return;
    if (expect.length && meant.test(m.text())) return;
    wrong.push(`console ${m.type()}: ${m.text()} (${m.location().url})`);
  });
  page.on('pageerror', e => wrong.push(`script error: ${e.message}`));
  context.on('request', r => {
    if (new URL(r.url()).origin !== base.origin) wrong.push(`outside request: ${r.url()}`);
  });
  context.on('requestfailed', r => wrong.push(`failed request: ${r.method()} ${r.url()} ${r.failure()?.errorText}`));
  context.on('response', r => {
    if (r.status() >= 400 && !expect.includes(r.status())) wrong.push(`status ${r.status()}: ${r.request().method()} ${r.url()}`);
  });
  try {
    await run(page, context);
    must(wrong.length === 0, wrong.join('\n'));
  } finally {
    await context.close();
  }
}
const shot = async (page, name, fullPage = true) => {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage });
};
const settle = page => page.waitForLoadState('networkidle');
const LOOKS = ['light', 'dark'].flatMap(colorScheme => [1280, 360].map(width => ({ colorScheme, width })));

// One request on a connection of its own, closed after it: an open connection
// would hold one of the server's workers while the browser waits for it.
function ask(target, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((done, wrong) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const r = http.request(new URL(target, base), { method, headers: { ...length, ...headers }, agent: false, timeout: LIMIT }, res => {
      let text = '';
      res.setEncoding('utf8').on('data', d => { text += d; }).on('error', wrong)
        .on('end', () => done({ status: res.statusCode, headers: res.headers, text }));
    });
    r.on('timeout', () => r.destroy(new Error(`${method} ${target}: no response in ${LIMIT} ms`))).on('error', wrong).end(body);
  });
}

// ---- what the server sends ----
const TYPES = {
  '/': 'text/html', '/about/': 'text/html', '/style.css': 'text/css', '/app.js': 'javascript',
  '/favicon.svg': 'image/svg+xml', '/favicon.ico': 'image/', '/picture.svg': 'image/svg+xml',
};
for (const [target, type] of Object.entries(TYPES)) {
  await test(`${target} is 200 and ${type}`, async () => {
    const r = await ask(target);
    must(r.status === 200, `status ${r.status}`);
    const got = r.headers['content-type'] ?? 'no Content-Type';
    must(got.includes(type), got);
  });
}
await test('/about redirects to /about/', async () => {
  const r = await ask('/about');
  must([301, 302, 307, 308].includes(r.status), `status ${r.status}`);
  const to = new URL(r.headers.location ?? '', new URL('/about', base));
  must(to.pathname === '/about/' && to.origin === base.origin, `Location ${r.headers.location}`);
});
await test('a missing page is 404 with the page 404.html', async () => {
  const r = await ask(MISSING, { headers: { Accept: 'text/html' } });
  must(r.status === 404, `status ${r.status}`);
  must(/text\/html/.test(r.headers['content-type'] ?? ''), `Content-Type ${r.headers['content-type']}`);
  must(r.text.includes('there is no such page'), 'the content is not 404.html');
});

// ---- targets as the browser writes them ----
await test('a query with a lone %, quotes or UTF-8 is taken as the browser sends it', () => open({}, async page => {
  for (const target of ['/?q=100%', '/about/?é', '//about//?a|b', '/picture.svg?%zz']) {
    const r = await page.goto(base.origin + target, { waitUntil: 'networkidle' });
    must(r.status() === 200, `${target}: status ${r.status()}`);
  }
  for (const query of ['q=100%', '100%25', 'é', '"<`>"', 'a|b^c{d}', "\\[']", '%zz']) {
    const url = `${base.origin}/echo?${query}`;
    await page.goto(url, { waitUntil: 'networkidle' });
    const shown = await page.evaluate(() => document.body.innerText);
    const sent = new URL(url).search;
    must(shown.startsWith(`GET /echo${sent} HTTP/1.1`), `${sent}: ${shown}`);
    const fetched = await page.evaluate(u => fetch(u).then(r => r.text()), url);
    must(fetched.startsWith(`GET /echo${sent} HTTP/1.1`), `fetch ${sent}: ${fetched}`);
  }
}));

// ---- every page, light and dark, wide and narrow ----
for (const [name, target] of Object.entries(PAGES)) {
  for (const { colorScheme, width } of LOOKS) {
    const look = `${name}-${width}-${colorScheme}`;
    await test(`${look}: loads clean, fits, axe finds nothing`, () => open({
      colorScheme, viewport: { width, height: width > 600 ? 850 : 740 }, reducedMotion: 'reduce',
      expect: target === MISSING ? [404] : [],
    }, async (page, context) => {
      await context.addInitScript({ content: axe });
      const r = await page.goto(target);
      must(r.status() === (target === MISSING ? 404 : 200), `status ${r.status()}`);
      await settle(page);
      await shot(page, look);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(over <= 0, `the page is ${over} px wider than the window`);
      const found = [];
      const look4 = async where => {
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        for (const v of violations) {
          found.push(`${where}${v.id} (${v.impact}): ${v.help}\n` + v.nodes.map(n => `  ${n.target.join(' ')}: ${n.failureSummary}`).join('\n'));
        }
      };
      await look4('');
      if (target === '/') { // and each step, and the form with its errors
        const n = await page.locator('.dots button').count();
        for (let i = 1; i < n; i++) {
          await page.locator('#next').click();
          await look4(`step ${i + 1}: `);
          if (shots) await page.locator('#path').screenshot({ path: path.join(shots, `${look}-step${i + 1}.png`) });
        }
      }
      must(found.length === 0, found.join('\n'));
    }));
  }
}

// ---- the stepper ----
await test('stepper: walks to the end and back by keyboard, with real data', () => open({}, async page => {
  await page.goto('/');
  await settle(page);
  const shown = () => page.locator('.path > li:visible');
  const n = await page.locator('.path > li').count();
  must(n >= 7, `${n} steps`);
  must(await shown().count() === 1, 'not exactly one step shown at first');
  // reach Next with Tab alone
  let reached = false;
  for (let i = 0; i < 40 && !reached; i++) {
    await page.keyboard.press('Tab');
    reached = await page.evaluate(() => document.activeElement?.id === 'next');
  }
  must(reached, 'Tab does not reach Next');
  const outline = await page.evaluate(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; });
  must(outline, 'the focus on Next cannot be seen');
  const titles = new Set([await shown().locator('h3').textContent()]);
  for (let i = 1; i < n; i++) {
    await page.keyboard.press(i % 2 ? 'Enter' : 'Space');
    must((await page.locator('#where').textContent()).includes(`Step ${i + 1} of ${n}`), `after ${i} presses: ${await page.locator('#where').textContent()}`);
    must(await page.locator('.picture .hop.now').count() === 1, 'not exactly one part of the picture is marked');
    titles.add(await shown().locator('h3').textContent());
  }
  must(titles.size === n, `only ${titles.size} different steps were shown`);
  must(await page.evaluate(() => document.activeElement?.id === 'next'), 'the focus was lost');
  must(await page.locator('#next').getAttribute('aria-disabled') === 'true', 'Next is not disabled at the end');
  await page.keyboard.press('Enter');
  must((await page.locator('#where').textContent()).includes(`Step ${n} of ${n}`), 'Next goes past the end');
  await page.keyboard.press('ArrowLeft');
  must((await page.locator('#where').textContent()).includes(`Step ${n - 1} of ${n}`), 'the left arrow key does not go back');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  must((await page.locator('#where').textContent()).includes(`Step ${n - 2} of ${n}`), 'Back does not go back');

  const text = sel => page.locator(sel).textContent();
  const head = await text('.path > li:nth-child(3) .real pre');
  must(head.startsWith('GET /echo HTTP/1.1'), `the request head shown is:\n${head}`);
  must(new RegExp(`^host: ${base.host.replace(/[[\].]/g, '\\$&')}$`, 'im').test(head), `no Host field in the request head:\n${head}`);
  must(/^user-agent: .*Chrom/im.test(head), 'no User-Agent field in the request head');
  const response = await text('.path > li:nth-child(7) .real pre');
  must(/^HTTP\/1\.1 200/.test(response) && /content-type: text\/plain/.test(response), `the response head shown is:\n${response}`);
  const cells = await page.locator('.times td').allTextContents();
  must(cells.length === 8 && cells.every(c => /^(–|<0\.1|\d+\.\d)$/.test(c)), `times: ${cells}`);
  must(cells.some(c => /\d/.test(c)), `no time was measured: ${cells}`);
}));

await test('without script: every step can be read', () => open({ javaScriptEnabled: false }, async page => {
  await page.goto('/');
  const n = await page.locator('.path > li').count();
  must(n >= 7 && await page.locator('.path > li:visible').count() === n, 'some steps are hidden');
  must(await page.locator('.controls').isHidden(), 'the buttons show although they can do nothing');
  must(await page.locator('.picture').isVisible(), 'no picture');
}));

// ---- users ----
const stamp = `${process.pid}-${Date.now().toString(36)}`;
const made = [];
await test('with script: a user is created through the form and the list shows it; errors at the field; delete', () => open({ expect: [422] }, async (page, context) => {
  await context.addInitScript({ content: axe });
  await page.goto('/');
  await settle(page);
  const email = `script-${stamp}@example.com`;

  await page.locator('#new-user button').focus();
  await page.keyboard.press('Enter');
  await page.locator('[aria-invalid=true]').first().waitFor();
  const id = await page.evaluate(() => document.activeElement.id);
  must(['name', 'email'].includes(id), `after 422 the focus is on ${id || 'nothing'}`);
  must((await page.locator(`#${id}-err`).textContent()).trim(), 'no message at the field');
  const { violations } = await page.evaluate(() => globalThis.axe.run('#users'));
  must(violations.length === 0, `axe, with an error shown: ${violations.map(v => `${v.id} ${v.nodes.map(n => n.target)}`)}`);
  await shot(page, 'users-error');

  await page.fill('#name', 'Ada <b>Bold</b>');
  await page.fill('#email', email);
  const [response] = await Promise.all([
    page.waitForResponse(r => r.request().method() === 'POST' && new URL(r.url()).pathname === '/users'),
    page.keyboard.press('Enter'),
  ]);
  must(response.status() === 201, `POST /users: ${response.status()}`);
  made.push(response.headers().location);
  must(/^application\/json/.test(response.request().headers()['content-type']), 'the form was not sent as JSON');
  const row = page.locator('#user-list li', { hasText: email });
  await row.waitFor();
  must((await row.textContent()).includes('<b>Bold</b>'), 'the name is not shown as text');
  must(await row.locator('b').count() === 0, 'the name was taken for markup');
  must((await page.locator('#said').textContent()).includes('201'), 'the status is not shown');
  must(page.url() === new URL('/', base).href, `the page went to ${page.url()}`);
  must(await page.locator('[aria-invalid=true]').count() === 0, 'a field is still marked wrong');
  await shot(page, 'users-created');
  const after = await page.evaluate(() => globalThis.axe.run('#users'));
  must(after.violations.length === 0, `axe, with a user shown: ${after.violations.map(v => `${v.id} ${v.nodes.map(n => n.target)}`)}`);

  const seen = await ask(made.at(-1), { headers: { Accept: 'application/json' } });
  must(seen.status === 200 && seen.text.includes(email), `GET ${made.at(-1)}: ${seen.status}`);

  await row.locator('button').focus();
  await page.keyboard.press('Enter');
  await row.waitFor({ state: 'detached' });
  must(await page.evaluate(() => document.activeElement !== document.body), 'the focus was lost after Delete');
  const gone = await ask(made.at(-1), { headers: { Accept: 'application/json' } });
  must([404, 410].includes(gone.status), `after Delete, GET ${made.at(-1)}: ${gone.status}`);
  made.pop();
}));

await test('with script: the list is read page by page', () => open({}, async page => {
  const emails = [];
  for (let i = 0; i < 21; i++) {
    const email = `page-${i}-${stamp}@example.com`;
    const r = await ask('/users', {
      method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ name: `Page ${i}`, email }),
    });
    must(r.status === 201, `POST /users: ${r.status}`);
    made.push(r.headers.location);
    emails.push(email);
  }
  await page.goto('/');
  await settle(page);
  const more = page.locator('#more');
  must(await more.isVisible(), 'More users is not shown although there are more than 20');
  for (let i = 0; i < 50 && await more.isVisible(); i++) {
    const before = await page.locator('#user-list li').count();
    await more.click();
    await page.waitForFunction(n => document.querySelectorAll('#user-list li').length > n, before);
  }
  const text = await page.locator('#user-list').textContent();
  const lost = emails.filter(e => !text.includes(e));
  must(lost.length === 0, `not in the list: ${lost}`);
  const ids = await page.locator('#user-list li').evaluateAll(l => l.map(x => +x.dataset.id));
  must(new Set(ids).size === ids.length && ids.every((x, i) => !i || ids[i - 1] < x), `ids out of order or twice: ${ids}`);
}));

for (const width of [1280, 360]) {
  await test(`without script, ${width}: a user is created through the form and the answer shows it`, () => open({ javaScriptEnabled: false, viewport: { width, height: 850 } }, async page => {
    await page.goto('/');
    await shot(page, `noscript-${width}`);
    const email = `plain-${width}-${stamp}@example.com`;
    await page.fill('#name', 'Grace Plain');
    await page.fill('#email', email);
    const [response] = await Promise.all([
      page.waitForResponse(r => r.request().method() === 'POST' && new URL(r.url()).pathname === '/users'),
      page.click('#new-user button'),
    ]);
    must(response.status() === 201, `POST /users: ${response.status()}`);
    made.push(response.headers().location);
    must(/^application\/x-www-form-urlencoded/.test(response.request().headers()['content-type']), 'the form was not sent urlencoded');
    must(/text\/html/.test(response.headers()['content-type'] ?? ''), `a browser got ${response.headers()['content-type']}`);
    await page.frameLocator('iframe[name=users]').getByText(email).first().waitFor();
    await page.locator('#users').scrollIntoViewIfNeeded();
    await shot(page, `noscript-created-${width}`);
  }));
}

await test('two browsers talk in a room; one that was cut off misses nothing', () => open({}, async page => {
  const room = `room-${stamp}`;
  // The second browser is connected through this, which can be cut.
  const sockets = new Set();
  let isCut = false;
  const between = net.createServer(socket => {
    if (isCut) return socket.destroy();
    const far = net.connect(Number(base.port), base.hostname);
    for (const [from, to] of [[socket, far], [far, socket]]) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy()).pipe(to);
    }
  });
  await new Promise(done => between.listen(0, '127.0.0.1', done));
  const other = await browser.newContext({ baseURL: `http://127.0.0.1:${between.address().port}` });
  const second = await other.newPage();
  const say = async (from, text) => { await from.fill('#text', text); await from.click('#say button'); };
  const has = (at, list) => at.waitForFunction(
    want => [...document.querySelectorAll('#messages li')].map(x => x.textContent).join('|') === want, list.join('|'));
  await Promise.all([page, second].map(p => p.goto(`/rooms/#${room}`)));
  await say(page, 'hello');
  await has(second, ['hello']);
  await say(second, 'hello to you');
  await Promise.all([page, second].map(p => has(p, ['hello', 'hello to you'])));
  isCut = true;
  sockets.forEach(socket => socket.destroy());
  await second.waitForFunction(() => document.querySelector('#state').textContent.startsWith('Not connected'));
  for (const text of ['one', 'two', 'three']) {
    await say(page, text);
    await page.getByText(text, { exact: true }).waitFor();
  }
  isCut = false;
  await has(second, ['hello', 'hello to you', 'one', 'two', 'three']);
  await shot(page, 'rooms');
  await other.close();
  between.close();
}));

for (const target of made.filter(Boolean)) {
  const r = await ask(target, { method: 'DELETE' }).catch(e => e);
  if (r.status !== 204) console.log(`note  could not remove ${target}: ${r.status ?? r.message}`);
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
