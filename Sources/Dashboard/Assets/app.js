// The shell: which page the address asks for, links within, the token.
import { token, notLive } from './api.js';
import { ask, h } from './dom.js';

const main = document.getElementById('main');
/** @type {[RegExp, () => Promise<any>][]} Addresses and the modules that show them. */
const pages = [
  [/^\/$/, () => import('./studies.js')],
  [/^\/studies\/([^/]+)$/, () => import('./study.js')],
  [/^\/studies\/([^/]+)\/trials\/([^/]+)$/, () => import('./trial.js')],
  [/^\/workers$/, () => import('./workers.js')],
  [/^\/compare$/, () => import('./compare.js')],
];
let leave = new AbortController();

/** Shows the page of the present address. */
async function show(isFirst) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  notLive();
  document.getElementById('tip').hidden = true;
  // Questions of the page that is left, and the page itself: what is seen is what a click is for.
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  if (!isFirst) main.replaceChildren(h('p', { class: 'quiet' }, 'Loading …'));
  for (const link of document.querySelectorAll('nav a'))
    if (link instanceof HTMLAnchorElement && link.pathname === location.pathname) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  const found = pages.find(([pattern]) => pattern.test(location.pathname));
  if (!found) return fail(new Error('There is no such page.'));
  const [pattern, load] = found;
  try {
    const parts = pattern.exec(location.pathname).slice(1).map(decodeURIComponent);
    const page = await load();
    if (signal.aborted) return;
    await page.show(main, parts, signal);
    if (!signal.aborted && !isFirst) main.focus({ preventScroll: true });
  } catch (error) {
    if (!signal.aborted && error.name !== 'AbortError') fail(error);
  }
}

function fail(error) {
  document.title = 'Needletail';
  const isLocked = error.status === 401 || error.status === 403;
  main.replaceChildren(h('section', { class: 'card narrow' },
    h('h1', {}, isLocked ? 'Sign in' : 'This cannot be shown'),
    h('p', { role: 'alert' }, error instanceof URIError ? 'The address is malformed.' : error.message),
    isLocked
      ? [h('p', {}, 'A token is made where the store is, by needletail token create --role viewer, or '
        + 'admin for one who may also control studies.'), tokenForm()]
      : h('p', {}, h('a', { href: '/' }, 'All studies'))));
}

const field = () => h('input', {
  type: 'password', name: 'token', autocomplete: 'off', spellcheck: 'false', required: true,
  placeholder: 'nt_…', 'aria-label': 'Token',
});
const keep = input => {
  const text = input.value.trim();
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('This is no token; they begin with nt_.');
  token.set(text);
};
function tokenForm() {
  const input = field();
  return h('form', {
    class: 'row', onsubmit: event => {
      event.preventDefault();
      try { keep(input); } catch { input.setCustomValidity('no token'); }
    },
  }, input, h('button', { type: 'submit', class: 'strong' }, 'Sign in'));
}

const button = document.getElementById('token');
const label = () => { button.textContent = token.get() ? 'Sign out' : 'Sign in'; };
button.addEventListener('click', () => {
  if (token.get()) { token.set(null); return; }
  const input = field();
  ask('Sign in', 'The token is kept until this tab is closed, and sent to this server only.',
    [input], 'Sign in', () => keep(input));
});
addEventListener('needletail-token', () => { label(); show(); });
label();

document.addEventListener('click', event => {
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey
    || event.altKey || link.origin !== location.origin || link.target || link.hasAttribute('download')
    || link.getAttribute('href').startsWith('#')) return;
  event.preventDefault();
  if (link.href !== location.href) history.pushState(null, '', link.href);
  show();
  scrollTo(0, 0);
});
addEventListener('popstate', () => show());
show(true);
