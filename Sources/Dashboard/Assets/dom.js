// Elements and words. Text from outside only ever becomes text nodes.

/** The present listeners of elements, which a redraw may replace while the element stays. */
const listeners = new WeakMap();

/** @param {any} node @param {string} type @param {any} listener */
function listen(node, type, listener) {
  let own = listeners.get(node);
  if (!own) listeners.set(node, own = {});
  if (!(type in own)) node.addEventListener(type, event => listeners.get(node)[type]?.call(node, event));
  own[type] = listener;
}

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
    if (key.startsWith('on')) listen(node, key.slice(2), value);
    else if (key === 'value' || key === 'checked' || key === 'disabled' || key === 'hidden') node[key] = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter(child => child !== null && child !== undefined && child !== false));
  return node;
}

/** A name from outside, kept from changing the direction of what is around it. */
export const name = text => h('bdi', {}, text);

export const states = {
  w: 'waiting', r: 'running', q: 'interrupted', c: 'completed', i: 'infeasible', p: 'pruned', f: 'failed',
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
  if (typeof any === 'bigint') return String(any);
  if (typeof any === 'number') return number(any, 8);
  return typeof any === 'string' ? any
    // What JSON has no number for is marked, and freed of its quotes.
    : JSON.stringify(any, (_, one) => typeof one === 'bigint' ? `\ue000${one}` : one).replace(/"\ue000(-?\d+)"/g, '$1');
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

/** A moment of today without its date; seconds since 1970. */
export const clock = when => moment(when).replace(`${moment(Date.now() / 1000).slice(0, 10)} `, '');

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

// Redraws. What a page shows is of one moment: a part that has something to draw says so, and all of it is drawn
// in one frame. Nothing is drawn while a button of the pointer is down: what was pressed is what the click is for.

const due = new Set();
let frame, isPressed = false;

/** Has `draw` called in the next frame, once; not before the pointer's buttons are up. */
export function redraw(draw) {
  due.add(draw);
  schedule();
}

function schedule() {
  if (isPressed || frame !== undefined || !due.size) return;
  frame = requestAnimationFrame(() => {
    frame = undefined;
    if (isPressed) return;
    const all = [...due];
    due.clear();
    for (const draw of all) {
      try { draw(); } catch (error) { reportError(error); }
    }
  });
}

const release = () => {
  // The click comes right behind; it finds what was pressed.
  if (isPressed) setTimeout(() => { isPressed = false; schedule(); });
};
addEventListener('pointerdown', () => { isPressed = true; }, true);
for (const end of ['pointerup', 'pointercancel', 'dragend']) addEventListener(end, release, true);
addEventListener('blur', event => { if (event.target === window) release(); });
// A button that was let go where no event comes from.
addEventListener('pointermove', event => { if (!event.buttons) release(); }, true);

/** Stands in new content for a node that lives on; see `refill`. */
const keepers = new WeakMap();
export function keep(node) {
  const keeper = document.createElement('nt-keep');
  keepers.set(keeper, node);
  return keeper;
}

/**
 * Makes `children` the content of a node by changing what is there as little as possible: elements of the same
 * kind and key stay the elements they are, so that what is focused, open, scrolled or selected remains so.
 */
export function refill(node, ...children) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  const selection = getSelection();
  const { anchorNode: start, anchorOffset: from, focusNode: end, focusOffset: to } = selection;
  const hasChosen = !selection.isCollapsed && node.contains(start);
  patch(node, children.flat(3).filter(child => child !== null && child !== undefined && child !== false && child !== '')
    .map(child => child instanceof Node ? child : document.createTextNode(child)));
  if (focused && !focused.isConnected)
    (node.querySelector('button, a[href], input, select, textarea') ?? document.getElementById('main')).focus({ preventScroll: true });
  if (hasChosen && start.isConnected && end.isConnected && (selection.anchorNode !== start
    || selection.anchorOffset !== from || selection.focusNode !== end || selection.focusOffset !== to)) {
    const within = (place, offset) => Math.min(offset, place.nodeType === Node.TEXT_NODE ? place.length : place.childNodes.length);
    selection.setBaseAndExtent(start, within(start, from), end, within(end, to));
  }
}

const keyOf = node => node.nodeType !== Node.ELEMENT_NODE ? node.nodeName
  : `${node.tagName} ${node.dataset.key ?? node.dataset.trial ?? node.dataset.action ?? (node.id || node.getAttribute('href') || '')}`;

function patch(node, wanted) {
  const fresh = wanted.map(one => keepers.get(one) ?? one);
  const staying = new Set(fresh.filter(one => one.parentNode === node));
  const known = new Map();
  for (const old of node.childNodes) {
    if (staying.has(old)) continue;
    const key = keyOf(old);
    if (known.has(key)) known.get(key).push(old); else known.set(key, [old]);
  }
  arrange(node, fresh.map(one => {
    if (staying.has(one)) return one;
    const old = one.isConnected ? undefined : known.get(keyOf(one))?.shift();
    if (old) {
      merge(old, one);
      return old;
    }
    if (one.nodeType === Node.ELEMENT_NODE)
      for (const keeper of one.querySelectorAll('nt-keep')) keeper.replaceWith(keepers.get(keeper));
    return one;
  }));
}

/** Gives an element that stays what a new one has. */
function merge(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  // The page's policy forbids styles in attributes, not those that a script sets.
  for (const { name: key, value: text } of fresh.attributes)
    if (key !== 'style' && old.getAttribute(key) !== text) old.setAttribute(key, text);
  if (old.style.cssText !== fresh.style.cssText) old.style.cssText = fresh.style.cssText;
  // What is open stays open.
  for (const { name: key } of [...old.attributes]) if (!fresh.hasAttribute(key) && key !== 'open' && key !== 'style') old.removeAttribute(key);
  if (old.matches('input, select, textarea') && old !== document.activeElement) {
    if (old.value !== fresh.value) old.value = fresh.value;
    if (old.checked !== fresh.checked) old.checked = fresh.checked;
  }
  const former = listeners.get(old) ?? {}, present = listeners.get(fresh) ?? {};
  for (const type of Object.keys(former)) if (!(type in present)) former[type] = undefined;
  for (const [type, listener] of Object.entries(present)) listen(old, type, listener);
  patch(old, [...fresh.childNodes]);
}

/** Puts the children of a node in order; what has the focus or the selection is not moved, the others are. */
export function arrange(node, list) {
  const wanted = new Set(list), held = [document.activeElement, getSelection().anchorNode];
  for (const old of [...node.childNodes]) if (!wanted.has(old)) old.remove();
  const pivot = Math.max(0, list.findIndex(one => one.parentNode === node && held.some(inside => one.contains(inside))));
  if (!list.length) return;
  if (list[pivot].parentNode !== node) node.prepend(list[pivot]);
  for (let i = pivot - 1; i >= 0; i--) if (list[i + 1].previousSibling !== list[i]) node.insertBefore(list[i], list[i + 1]);
  for (let i = pivot + 1; i < list.length; i++)
    if (list[i - 1].nextSibling !== list[i]) node.insertBefore(list[i], list[i - 1].nextSibling);
}

/** A sentence in place of what there is not. */
export const nothing = sentence => h('p', { class: 'nothing' }, sentence);

/** A question in a dialog; `fields` are elements, `act` is called when it is confirmed and may throw. */
export function ask(title, sentence, fields, action, act) {
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const confirm = h('button', { type: 'submit', class: 'strong' }, action);
  let isActing = false;
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' },
    h('form', {
      method: 'dialog',
      onsubmit: async event => {
        event.preventDefault();
        // Not disabled: that would take the focus away.
        if (isActing) return;
        isActing = true;
        confirm.setAttribute('aria-busy', 'true');
        try {
          await act();
          dialog.close();
        } catch (error) {
          problem.textContent = error.message;
          problem.hidden = false;
        } finally {
          isActing = false;
          confirm.removeAttribute('aria-busy');
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
