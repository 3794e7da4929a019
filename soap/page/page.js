// What the help page does beyond showing itself: copies, colours, and sends a
// request to the service that it stands at.
(() => {
  'use strict';
  document.documentElement.classList.add('scripting');
  const by = (id) => document.getElementById(id);

  // Colours. Text is only ever set as text.
  const token = /(<!--[^]*?-->|<\?[^]*?\?>)|(<\/?)([^\s/>]+)|([^\s=<>"'/]+)(=)("[^"]*"|'[^']*')|(\/?>)/g;
  function show(code, text) {
    const parts = [];
    const add = (kind, s) => {
      const span = document.createElement('span');
      span.className = kind;
      span.textContent = s;
      parts.push(span);
    };
    let last = 0;
    let inTag = false;
    for (const m of text.matchAll(token)) {
      if (m[4] && !inTag || m[7] && !inTag) continue; // in a value
      parts.push(text.slice(last, m.index));
      last = m.index + m[0].length;
      if (m[1]) add('x-quiet', m[1]);
      else if (m[3]) { inTag = true; add('x-tag', m[0]); }
      else if (m[4]) { add('x-name', m[4]); parts.push(m[5]); add('x-value', m[6]); }
      else { inTag = false; add('x-tag', m[7]); }
    }
    parts.push(text.slice(last));
    code.replaceChildren(...parts);
  }
  for (const code of document.querySelectorAll('.samples pre.xml code')) show(code, code.textContent);

  // Copying. Without a secure context there is no clipboard: the text is selected instead.
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button.copy');
    if (!button) return;
    const source = by(button.dataset.copies);
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      said = document.execCommand('copy') ? 'Copied' : 'Selected';
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });

  // The form.
  const form = by('form');
  const operation = by('operation');
  const version = by('version');
  const envelope = by('envelope');
  const drafts = new Map(); // what was typed, by operation and version
  let shown = '';           // the key of what is in the field
  let suffix = newSuffix();

  function newSuffix() {
    const digits = crypto.getRandomValues(new Uint32Array(2));
    return '-' + Array.from(digits, (n) => n.toString(36).padStart(7, '0').slice(-4)).join('');
  }
  const sample = () => document.querySelector(
    'code[data-operation="' + CSS.escape(operation.value) + '"][data-version="' + version.value + '"]');
  const unique = () => (sample().dataset.unique || '').split(' ').filter(Boolean);

  // valueOf finds an element's value in a sample or in what was typed.
  const valueOf = (name) => new RegExp('(<(?:[\\w.-]+:)?' + name + '(?:\\s[^>]*)?>)([^<]*)(?=</)');
  // renewed puts the sample's own values with the suffix into text, before the @ of an address.
  function renewed(text) {
    for (const name of unique()) {
      const own = valueOf(name).exec(sample().textContent);
      if (!own) continue;
      const at = own[2].lastIndexOf('@');
      const value = at < 0 ? own[2] + suffix : own[2].slice(0, at) + suffix + own[2].slice(at);
      text = text.replace(valueOf(name), (_, tag) => tag + value);
    }
    return text;
  }
  function load() {
    if (shown) drafts.set(shown, envelope.value);
    shown = operation.value + ' ' + version.value;
    envelope.value = drafts.get(shown) ?? renewed(sample().textContent);
    const names = unique();
    by('renew').hidden = names.length === 0;
    by('renew-note').textContent = names.length === 0 ? '' :
      '“New values” puts new ones into ' + names.join(', ') + ', here and in the samples of other operations.';
    envelope.rows = Math.max(12, envelope.value.split('\n').length + 1);
  }
  operation.addEventListener('change', load);
  version.addEventListener('change', load);
  by('renew').addEventListener('click', () => {
    suffix = newSuffix();
    drafts.clear(); // the other samples are to speak of the same
    envelope.value = renewed(envelope.value);
  });
  by('reset').addEventListener('click', () => { envelope.value = renewed(sample().textContent); });
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button.try');
    if (!button) return;
    operation.value = button.dataset.operation;
    version.value = button.dataset.version;
    load();
    by('try').scrollIntoView();
    envelope.focus({ preventScroll: true });
  });
  load();

  // lines writes an element with a line for each that holds others.
  function lines(node, indent) {
    const escape = (s) => s.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' }[c]));
    const attributes = Array.from(node.attributes, (a) => ' ' + a.name + '="' + escape(a.value).replace(/"/g, '&quot;') + '"').join('');
    const inner = Array.from(node.children);
    if (inner.length === 0) {
      const text = escape(node.textContent);
      return indent + '<' + node.nodeName + attributes + (text ? '>' + text + '</' + node.nodeName + '>' : '/>') + '\n';
    }
    return indent + '<' + node.nodeName + attributes + '>\n' + inner.map((c) => lines(c, indent + '  ')).join('') + indent + '</' + node.nodeName + '>\n';
  }
  function pretty(text) {
    const doc = new DOMParser().parseFromString(text, 'application/xml');
    return doc.getElementsByTagName('parsererror').length ? text : lines(doc.documentElement, '').trimEnd();
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const about = sample().dataset;
    const headers = { 'Content-Type': about.mediatype };
    if (about.soapaction) headers.SOAPAction = about.soapaction;
    const user = by('user').value;
    const password = by('password').value;
    if (user || password) {
      headers.Authorization = 'Basic ' + btoa(String.fromCharCode(...new TextEncoder().encode(user + ':' + password)));
    }
    const outcome = by('outcome');
    by('send').disabled = true;
    by('result').hidden = false;
    by('received').hidden = true;
    outcome.className = '';
    outcome.textContent = 'Sending…';
    const began = performance.now();
    try {
      const response = await fetch(location.pathname, { method: 'POST', headers, body: envelope.value, cache: 'no-store', redirect: 'error' });
      const text = await response.text();
      const took = Math.round(performance.now() - began);
      by('headers').textContent = Array.from(response.headers, ([name, value]) => name + ': ' + value).join('\n');
      show(by('answer'), (response.headers.get('Content-Type') || '').includes('xml') ? pretty(text) : text);
      by('received').hidden = false;
      outcome.classList.add(response.ok ? 'good' : 'bad');
      outcome.textContent = 'HTTP ' + response.status + ' ' + response.statusText + ', ' + took + ' ms';
    } catch (error) {
      outcome.classList.add('bad');
      outcome.textContent = 'No answer came: ' + error.message;
    } finally {
      by('send').disabled = false;
      by('result').scrollIntoView({ block: 'nearest' });
    }
  });
})();
