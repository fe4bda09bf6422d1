// threadbare: steps through the picture with real data, and drives the /users form and list.
// The page reads and works without this file.
'use strict';
(() => {
  const $ = (sel, root = document) => root.querySelector(sel);
  const all = (sel, root = document) => [...root.querySelectorAll(sel)];
  const el = (tag, text, props = {}) => Object.assign(document.createElement(tag), { textContent: text ?? '' }, props);
  const json = { Accept: 'application/json' };

  // The commands name the address this page came from.
  const port = location.port || (location.protocol === 'https:' ? '443' : '80');
  const name = location.hostname.replace(/^\[|\]$/g, '');
  for (const code of all('#try code')) {
    if (code.closest('a')) continue;
    code.textContent = code.textContent.replaceAll('127.0.0.1:8080', location.host)
      .replaceAll('127.0.0.1 8080', `${name} ${port}`).replaceAll('Host: 127.0.0.1', `Host: ${location.host}`);
  }

  // ---- the path of one request ----
  const walk = $('#walk');
  const steps = all('.path > li', walk);
  const [back, next, again, where] = ['#back', '#next', '#again', '#where'].map(s => $(s));
  const marked = [...all('.picture [data-on]'), ...all('.times [data-on]')];
  let at = 0;

  const dots = steps.map((li, i) => {
    const b = el('button', String(i + 1), { type: 'button' });
    b.setAttribute('aria-label', `Step ${i + 1}: ${$('h3', li).textContent}`);
    b.addEventListener('click', () => show(i));
    return b;
  });
  $('.dots').append(...dots);

  function show(i) {
    at = Math.max(0, Math.min(steps.length - 1, i));
    steps.forEach((li, k) => { li.dataset.n = k + 1; li.classList.toggle('now', k === at); });
    dots.forEach((b, k) => k === at ? b.setAttribute('aria-current', 'step') : b.removeAttribute('aria-current'));
    for (const m of marked) {
      const on = m.dataset.on.split(' ').includes(String(at + 1));
      m.classList.toggle(m.classList.contains('node') ? 'on' : 'now', on);
    }
    back.setAttribute('aria-disabled', at === 0);
    next.setAttribute('aria-disabled', at === steps.length - 1);
    where.textContent = `Step ${at + 1} of ${steps.length}: ${$('h3', steps[at]).textContent}`;
  }
  back.addEventListener('click', () => show(at - 1));
  next.addEventListener('click', () => show(at + 1));
  $('.controls').addEventListener('keydown', e => {
    const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!d || e.altKey || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    show(at + d);
  });

  // Shows real data below a step, and removes what was shown there before.
  function real(step, title, ...parts) {
    const box = el('div', '', { className: 'real' });
    box.append(el('h4', title), ...parts);
    $('.real', steps[step - 1])?.remove();
    steps[step - 1].append(box);
  }

  // A request, its response, and the browser's own times for it.
  async function timed(path) {
    const url = new URL(path, location).href;
    const before = performance.getEntriesByName(url).length;
    const response = await fetch(url, { cache: 'no-store' });
    const text = await response.text();
    let list;
    for (let i = 0; i < 40; i++) {
      list = performance.getEntriesByName(url);
      if (list.length > before) break;
      await new Promise(done => setTimeout(done, 25));
    }
    return { response, text, times: list.length > before ? list.at(-1) : null };
  }

  // Where a connection was used again, all these times are the same moment as fetchStart.
  const connected = t => t.connectEnd > t.connectStart || t.connectStart > t.fetchStart;
  function column(n, t, head) {
    const part = (from, to, always) => {
      if (!t) return '?';
      const ms = t[to] - t[from];
      if (ms < 0.05) return always || t[from] > t.fetchStart ? '<0.1' : '–';
      return ms.toFixed(1);
    };
    const cells = [['domainLookupStart', 'domainLookupEnd'], ['connectStart', 'connectEnd'],
      ['requestStart', 'responseStart', true], ['responseStart', 'responseEnd', true]];
    $('.times thead tr').cells[n].textContent = head;
    all('.times tbody tr').forEach((tr, i) => { tr.cells[n].textContent = part(...cells[i]); });
  }

  async function send() {
    again.setAttribute('aria-disabled', true);
    try {
      const echo = await timed('/echo');
      const second = await timed('/-/health');
      const every = ['navigation', 'resource'].flatMap(type => performance.getEntriesByType(type));
      const fresh = every.find(connected) ?? every[0];
      column(1, fresh, fresh ? new URL(fresh.name).pathname : 'page');
      column(2, echo.times, '/echo');

      real(1, 'Here', el('p', /^[\d.]+$|:/.test(name)
        ? `The host in the address of this page is ${name}: an address already, so no query was sent.`
        : `The host in the address of this page is ${name}. A dash in the table means that no query was sent for that request.`));
      real(2, 'Here', el('p', !echo.times ? `To ${name}, port ${port}.` : connected(echo.times)
        ? `A new connection to ${name}, port ${port}.`
        : `For /echo no connection was opened: the browser used an open one to ${name}, port ${port}, as the dash in the table shows.`));

      const end = echo.text.search(/\r?\n\r?\n/);
      const head = end < 0 ? echo.text : echo.text.slice(0, end);
      const lines = head.split(/\r?\n/);
      real(3, 'The request head, as the server received it', el('pre', head));

      const made = every.filter(connected).length;
      real(4, 'Here', el('p', `Of the ${every.length} requests for this page and from it, ${made || 'none'} opened a new connection; each new connection is one accept4. A browser also opens connections in advance, which these times do not show.`));
      real(5, 'Here', el('p', 'A client cannot see how long its connection waited in the channel. That time is part of the time from request to first byte, together with the work of the worker.'));

      const [method, target, version] = lines[0].split(' ');
      const dl = el('dl', '', { className: 'found' });
      for (const [k, v] of [['method', method], ['target', target], ['version', version],
        ['fields', String(lines.length - 1)], ['head', `${new TextEncoder().encode(head).length} bytes, then the empty line`]]) {
        dl.append(el('dt', k), el('dd', v));
      }
      real(6, 'What the worker found in it', dl);

      const r = echo.response;
      const fields = [...r.headers].map(([k, v]) => `${k}: ${v}`).join('\n');
      real(7, 'The response head, as the browser reports it (names in lower case, in order of name)',
        el('pre', `HTTP/1.1 ${r.status} ${r.statusText}\n${fields}`));

      real(8, 'Here', el('p', !second.times ? 'The browser gave no times for the second request.' : connected(second.times)
        ? 'A second request, to /-/health, needed a new connection.'
        : 'A second request, to /-/health, was sent after the first. It used a connection that was open already: no connect, no accept.'));
    } catch (e) {
      real(3, 'Here', el('p', `The request failed: ${e.message}`));
    } finally {
      again.setAttribute('aria-disabled', false);
    }
  }
  again.addEventListener('click', async () => {
    if (again.getAttribute('aria-disabled') === 'true') return;
    await send();
    where.textContent = `Sent again. Step ${at + 1} of ${steps.length}`;
  });

  walk.classList.add('stepping');
  $('.picture').classList.add('live');
  for (const e of [$('.controls'), $('.times'), $('.after'), $('#walk-note')]) e.hidden = false;
  show(0);
  if (document.readyState === 'complete') send(); else addEventListener('load', () => setTimeout(send));

  // ---- users ----
  const form = $('#new-user');
  const [list, more, count, said] = ['#user-list', '#more', '#count', '#said'].map(s => $(s));
  let nextPage = null;
  form.noValidate = true; // the server reports what is wrong with a user

  function say(where, text, bad = false) {
    where.textContent = text;
    where.classList.toggle('bad', bad);
  }
  const status = r => `${r.status} ${r.statusText}`.trim();
  async function complaint(r) {
    try { return (await r.json()).error || status(r); } catch { return status(r); }
  }
  function tally() {
    const n = list.children.length;
    say(count, (n === 1 ? '1 user' : `${n || 'No'} users`) + (nextPage ? ' shown; the server has more' : ''));
    list.hidden = n === 0;
    more.hidden = !nextPage;
  }

  // In order of id, each once.
  function put(user, fresh) {
    const li = el('li', '', { className: fresh ? 'new' : '' });
    li.dataset.id = user.id;
    const full = `${user.firstName} ${user.lastName}`.trim();
    const who = el('span', full);
    who.append(el('small', user.email));
    const del = el('button', 'Delete', { type: 'button' });
    del.setAttribute('aria-label', `Delete user ${user.id}, ${full}`);
    del.addEventListener('click', () => remove(li, user.id));
    const link = el('a', `/users/${user.id}`, { href: `/users/${user.id}` });
    li.append(link, who, del);
    const there = [...list.children];
    const same = there.find(x => +x.dataset.id === +user.id);
    if (same) same.replaceWith(li);
    else list.insertBefore(li, there.find(x => +x.dataset.id > +user.id) ?? null);
  }

  async function load(path) {
    try {
      const r = await fetch(path, { headers: json, cache: 'no-store' });
      if (!r.ok) return say(count, `${status(r)}: ${await complaint(r)}`, true);
      const page = await r.json();
      const to = page.next ? new URL(page.next, location) : null;
      nextPage = to && to.origin === location.origin ? to.href : null;
      page.users.forEach(u => put(u));
      tally();
    } catch (e) {
      say(count, `The list could not be read: ${e.message}`, true);
    }
  }

  async function remove(li, id) {
    try {
      const r = await fetch(`/users/${id}`, { method: 'DELETE', headers: json });
      if (!r.ok && r.status !== 404) return say(count, `${status(r)}: ${await complaint(r)}`, true);
      const near = li.nextElementSibling ?? li.previousElementSibling;
      li.remove();
      tally();
      say(count, `User ${id}: ${status(r)}. ${count.textContent}`);
      (near ? $('button', near) : $('#people-h')).focus();
    } catch (e) {
      say(count, `User ${id} could not be deleted: ${e.message}`, true);
    }
  }

  function fault(input, text) {
    $(`#${input.id}-err`).textContent = text;
    if (text) input.setAttribute('aria-invalid', true); else input.removeAttribute('aria-invalid');
  }

  form.addEventListener('submit', async e => {
    e.preventDefault();
    const inputs = all('input', form);
    const button = $('button', form);
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', true);
    inputs.forEach(i => fault(i, ''));
    say(said, '');
    try {
      const r = await fetch('/users', {
        method: 'POST',
        headers: { ...json, 'Content-Type': 'application/json' },
        body: JSON.stringify(Object.fromEntries(new FormData(form))),
      });
      if (r.status === 201) {
        const { message, user } = await r.json();
        put(user, true);
        tally();
        say(said, `${status(r)}: ${message}, at ${r.headers.get('Location') ?? `/users/${user.id}`}`);
        form.reset();
        inputs[0].focus();
      } else {
        const text = await complaint(r);
        const wrong = r.status === 422 ? inputs.filter(i => new RegExp(`\\b${i.name}\\b`, 'i').test(text)) : [];
        wrong.forEach(i => fault(i, text));
        wrong[0]?.focus();
        say(said, wrong.length ? status(r) : `${status(r)}: ${text}`, true);
      }
    } catch (err) {
      say(said, `The request failed: ${err.message}`, true);
    } finally {
      button.setAttribute('aria-disabled', false);
    }
  });
  more.addEventListener('click', async () => {
    const seen = list.lastElementChild;
    await load(nextPage);
    const first = seen?.nextElementSibling;
    (first ? $('a', first) : $('#people-h')).focus();
  });
  load('/users?limit=20');
})();
