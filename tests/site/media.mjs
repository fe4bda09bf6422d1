// Checks that a real browser asks again instead of loading again, and that it seeks in a sound by ranges.
//   node media.mjs http://127.0.0.1:8080 SERVED_FOLDER ACCESS_LOG
// Writes a sound of a minute and a page with it into the folder, which is a copy. Needs what site.mjs needs.
import { chromium } from 'playwright-core';
import fs from 'node:fs';
import path from 'node:path';

const [base, folder, log] = process.argv.slice(2);
if (!log) {
  console.error('usage: node media.mjs BASE_URL SERVED_FOLDER ACCESS_LOG');
  process.exit(2);
}
const LIMIT = 15000;

// A minute of two channels at 48 kHz: 11 MB, more than a browser loads before it is asked to play.
const SECONDS = 60, RATE = 48000, CHANNELS = 2;
function wav() {
  const size = SECONDS * RATE * CHANNELS * 2;
  const all = Buffer.alloc(44 + size);
  all.write('RIFF', 0); all.writeUInt32LE(36 + size, 4); all.write('WAVEfmt ', 8);
  all.writeUInt32LE(16, 16); all.writeUInt16LE(1, 20); all.writeUInt16LE(CHANNELS, 22);
  all.writeUInt32LE(RATE, 24); all.writeUInt32LE(RATE * CHANNELS * 2, 28);
  all.writeUInt16LE(CHANNELS * 2, 32); all.writeUInt16LE(16, 34);
  all.write('data', 36); all.writeUInt32LE(size, 40);
  for (let at = 44, n = 0; at < all.length; at += 2, n++) all.writeInt16LE((n % 200) * 100 - 10000, at);
  return all;
}
fs.writeFileSync(path.join(folder, 'sound.wav'), wav());
fs.writeFileSync(path.join(folder, 'sound.html'),
  '<!DOCTYPE html>\n<html lang="en">\n<title>Sound</title>\n<audio src="sound.wav" preload="metadata" controls></audio>\n</html>\n');

let failed = 0;
async function test(name, run) {
  try { await run(); console.log(`ok    ${name}`); }
  catch (e) { failed++; console.log(`FAIL  ${name}\n      ${e?.message ?? e}`); }
}
function must(truth, why) { if (!truth) throw new Error(why); }
// The lines for this path; the log may be a moment behind.
async function logged(target, enough) {
  const end = Date.now() + LIMIT;
  for (;;) {
    const lines = fs.readFileSync(log, 'utf8').split('\n').filter(l => l.includes(`"GET ${target} HTTP/1.1"`));
    if (enough(lines)) return lines;
    must(Date.now() < end, `the log says of ${target}:\n${lines.join('\n')}`);
    await new Promise(done => setTimeout(done, 50));
  }
}
const has = status => lines => lines.some(l => l.includes(`" ${status} `));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await (await browser.newContext({ baseURL: base })).newPage();
page.setDefaultTimeout(LIMIT);

await test('what the browser has it asks about, and is told 304', async () => {
  await page.goto('/about/');
  const text = await page.locator('body').innerText();
  await logged('/about/', has(200));
  await logged('/style.css', has(200));
  await page.reload();
  await logged('/about/', has(304));
  // A reload asks about the page only. What the page uses is taken for fresh for a tenth of its age
  // (RFC 9111, 4.2.2), so whether that is asked about would depend on when it was checked out.
  await page.evaluate(() => fetch('/style.css', { cache: 'no-cache' }));
  await logged('/style.css', has(304));
  must(await page.locator('body').innerText() === text, 'the page is another one after the reload');
  must(await page.evaluate(() => document.styleSheets[0].cssRules.length) > 0, 'the style is lost');
});

await test('it seeks in a sound by ranges, and is told 206', async () => {
  const ranges = [];
  page.on('response', r => {
    if (r.url().endsWith('.wav')) ranges.push({ asked: r.request().headers().range, status: r.status(), got: r.headers()['content-range'] });
  });
  await page.goto('/sound.html');
  const seconds = await page.evaluate(() => new Promise((done, wrong) => {
    const audio = document.querySelector('audio');
    const seek = () => {
      audio.addEventListener('seeked', () => done([audio.duration, audio.currentTime]));
      audio.currentTime = 50;
    };
    audio.addEventListener('error', () => wrong(new Error(`the sound is broken: ${audio.error?.message}`)));
    if (audio.readyState >= 1) seek(); else audio.addEventListener('loadedmetadata', seek);
    setTimeout(() => wrong(new Error(`not found: at ${audio.currentTime} of ${audio.duration} s`)), 10000);
  }));
  must(Math.abs(seconds[0] - 60) < 0.1 && Math.abs(seconds[1] - 50) < 0.1, `duration, position: ${seconds}`);
  await page.evaluate(() => document.querySelector('audio').play().catch(() => {}));
  await logged('/sound.wav', has(206));
  const told = JSON.stringify(ranges);
  must(ranges.every(r => r.status === 206 && /^bytes=\d+-/.test(r.asked)), told);
  must(ranges.some(r => /^bytes=[1-9]\d{5,}-/.test(r.asked) && r.got.startsWith(r.asked.replace('=', ' '))), told);
});

await browser.close();
console.log(failed ? `${failed} failed` : '2 passed');
process.exitCode = failed ? 1 : 0;
