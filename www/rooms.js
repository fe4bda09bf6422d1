// Shows the messages of a room as they come, and sends one. The page says what to do without this file.
'use strict';
(() => {
  const $ = sel => document.querySelector(sel);
  const [form, name, text, state, list] = ['#say', '#name', '#text', '#state', '#messages'].map($);
  for (const code of document.querySelectorAll('code')) {
    code.textContent = code.textContent.replaceAll('127.0.0.1:8080', location.host);
  }
  name.value = location.hash.slice(1) || name.value;
  form.hidden = false;
  const path = () => `/rooms/${encodeURIComponent(name.value)}`;
  let source;

  function enter() {
    source?.close();
    list.replaceChildren();
    history.replaceState(null, '', `#${name.value}`);
    // The browser connects again by itself, and then asks for what it has missed (Last-Event-ID).
    source = new EventSource(`${path()}?after=0`);
    source.onopen = () => { state.textContent = `In the room ${name.value}.`; };
    source.onerror = () => { state.textContent = 'Not connected; the browser tries again.'; };
    source.onmessage = event => {
      const item = document.createElement('li');
      item.value = Number(event.lastEventId);
      item.textContent = event.data;
      list.append(item);
    };
    source.addEventListener('lagged', event => { state.textContent = `${event.data} messages were lost.`; });
  }

  name.addEventListener('change', () => name.reportValidity() && enter());
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const body = text.value;
    text.value = '';
    const response = await fetch(path(), { method: 'POST', body }).catch(() => null);
    if (!response?.ok) {
      text.value = body;
      state.textContent = response ? `Refused: ${response.status} ${response.statusText}` : 'Not sent: no connection.';
    }
    text.focus();
  });
  enter();
})();
