// Elements and words. Text from outside only ever becomes text nodes.

/**
 * An element: properties beginning with `on` are listeners, other ones attributes; children are
 * nodes or texts.
 * @param {string} name @param {Record<string, any>} properties @param {...any} children
 * @returns {any} The element; its type is that of the tag's name.
 */
export function h(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'value' || key === 'checked' || key === 'disabled' || key === 'hidden') node[key] = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter(child => child !== null && child !== undefined && child !== false));
  return node;
}

/** A name from outside, kept from changing the direction of what is around it. */
export const name = text => h('bdi', {}, text);

export const states = {
  w: 'waiting', r: 'running', c: 'completed', i: 'infeasible', p: 'pruned', f: 'failed',
};

/** A state as a word with a mark of its colour and shape. */
export const stateBadge = state => h('span', { class: `state ${state}` }, state);

/** A number for people; the texts `nan`, `inf` and `-inf` stand for what JSON lacks. */
export function number(value, digits = 6) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return { nan: 'NaN', inf: '∞', '-inf': '−∞' }[value] ?? value;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return count(value);
  const size = Math.abs(value);
  const text = size >= 1e7 || size < 1e-4
    ? value.toExponential(digits - 1).replace(/\.?0+e/, 'e').replace('e+', 'e')
    : String(parseFloat(value.toPrecision(digits)));
  return text.replace(/-/g, '−');
}

export const count = value => value.toLocaleString('en').replace('-', '−');

/** Any value of a parameter or an attribute. */
export function value(any) {
  if (any === null) return 'null';
  if (typeof any === 'number') return number(any, 8);
  return typeof any === 'string' ? any : JSON.stringify(any);
}

/** Seconds as a short text. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

const moments = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium' });
/** Seconds since 1970, or a text after RFC 3339, as local time. */
export function moment(when) {
  if (when === null || when === undefined) return '–';
  const date = new Date(typeof when === 'number' ? when * 1000 : when);
  return Number.isNaN(date.getTime()) ? String(when) : moments.format(date);
}

/** How long ago a moment was. */
export const ago = when => {
  const seconds = (Date.now() - new Date(when).getTime()) / 1000;
  return seconds < 2 ? 'just now' : `${duration(Math.max(0, seconds))} ago`;
};

export const studyAddress = study => `/studies/${encodeURIComponent(study)}`;
export const trialAddress = (study, trial) => `${studyAddress(study)}/trials/${trial}`;

/** A link to a study; of a name that is no part of an address, only the name. */
export const studyLink = study => study === '.' || study === '..' || studyAddress(study).length > 6000
  ? h('span', { class: 'clamped', title: 'Browsers have no address for a study of this name.' }, name(study))
  : h('a', { class: 'clamped', href: studyAddress(study) }, name(study));

/** Says something at the edge of the page for a while. */
let fading;
export function toast(text) {
  const box = document.getElementById('toast');
  box.textContent = text;
  box.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { box.hidden = true; }, 6000);
}

/** A table with a heading for screen readers; cells are nodes or texts. */
export function table(caption, heads, rows) {
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', {}, caption),
      h('thead', {}, h('tr', {}, heads.map(head => h('th', { scope: 'col' }, head)))),
      h('tbody', {}, rows.map(row => h('tr', {}, row.map((cell, place) => place
        ? h('td', {}, cell) : h('th', { scope: 'row' }, cell)))))));
}

/**
 * Replaces what is in a node, which may be drawn again at any moment: what has the focus keeps it, details
 * stay open, and what was scrolled stays there.
 */
export function refill(node, ...children) {
  const key = one => `${one.tagName} ${one.getAttribute('href') ?? one.dataset.action ?? one.getAttribute('aria-label') ?? one.textContent}`;
  const active = document.activeElement;
  const focused = active instanceof HTMLElement && node.contains(active) ? active : null;
  const open = new Set([...node.querySelectorAll('details[open] > summary')].map(key));
  const places = new Map([...node.querySelectorAll('.scroll, .log')]
    .filter(one => one.scrollTop || one.scrollLeft).map(one => [key(one), [one.scrollLeft, one.scrollTop]]));
  node.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined && child !== ''));
  for (const summary of open.size ? node.querySelectorAll('details > summary') : [])
    if (open.has(key(summary))) summary.parentNode.open = true;
  for (const one of places.size ? node.querySelectorAll('.scroll, .log') : [])
    if (places.has(key(one))) one.scrollTo(...places.get(key(one)));
  if (focused && !focused.isConnected)
    [...node.querySelectorAll(focused.tagName)].find(one => key(one) === key(focused))?.focus({ preventScroll: true });
  else focused?.focus({ preventScroll: true });
}

/** A sentence in place of what there is not. */
export const nothing = sentence => h('p', { class: 'nothing' }, sentence);

/** A question in a dialog; `fields` are elements, `act` is called with their values and may throw. */
export function ask(title, sentence, fields, action, act) {
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const confirm = h('button', { type: 'submit', class: 'strong' }, action);
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' },
    h('form', {
      method: 'dialog',
      onsubmit: async event => {
        event.preventDefault();
        confirm.disabled = true;
        try {
          await act();
          dialog.close();
        } catch (error) {
          problem.textContent = error.message;
          problem.hidden = false;
          confirm.disabled = false;
        }
      },
    }, h('h2', { id: 'dialog-title' }, title), h('p', {}, sentence), fields, problem,
    h('div', { class: 'row end' },
      h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), confirm)));
  const asked = document.activeElement;
  dialog.addEventListener('close', () => {
    dialog.remove();
    // The button that asked may have been replaced by what it did.
    const next = /** @type {HTMLElement | null} */ (document.querySelector('.actions button'));
    if (!asked?.isConnected) (next ?? document.getElementById('main')).focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
