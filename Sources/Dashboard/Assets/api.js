// Requests to the coordinator's API. The token is kept for this tab alone, and sent in a header only.

const key = 'needletail-token';

export const token = {
  get: () => sessionStorage.getItem(key),
  set(text) {
    if (text) sessionStorage.setItem(key, text); else sessionStorage.removeItem(key);
    dispatchEvent(new Event('needletail-token'));
  },
};

/** A refusal of the coordinator, in its words. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const headers = more => {
  const held = token.get();
  return held ? { ...more, Authorization: `Bearer ${held}` } : more;
};

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(path, { cache: 'no-store', credentials: 'omit', redirect: 'error', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal(0, 'unreachable', 'The coordinator cannot be reached; is it running?');
  }
  if (answer.ok) return answer;
  let code = 'failed', message = `The coordinator answered with the status ${answer.status}.`;
  try {
    ({ code, message } = (await answer.json()).error);
  } catch {
    // Something between may have answered instead; the status has to do.
  }
  throw new Refusal(answer.status, code, message);
}

export const get = async (path, signal) =>
  (await send(path, { headers: headers({}), signal })).json();
/** As `get`, with whole numbers as they are, however many digits they have. */
export const getExact = async (path, signal) => JSON.parse(await getText(path, signal), (_, value, context) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context.source) : value);
export const getText = async (path, signal) =>
  (await send(path, { headers: headers({}), signal })).text();
export const post = async (path, body) => (await send(path, {
  method: 'POST', headers: headers({ 'Content-Type': 'application/json' }),
  body: JSON.stringify(body ?? {}),
})).json();

export const studyPath = (study, rest = '') => `/v1/studies/${encodeURIComponent(study)}${rest}`;

/** Whether an event came after another one; also when the server has begun to count anew between them. */
export function isAfter(id, other) {
  const [tag, place] = (id ?? '').split('-'), [otherTag, otherPlace] = (other ?? '').split('-');
  return tag !== otherTag || +place > +otherPlace;
}

/** What the server is; asked once. */
let about;
export const server = () => (about ??= get('/healthz').catch(() => {
  about = undefined;
  return {};
}));

const live = document.getElementById('live');
const tell = (state, words) => {
  live.className = state;
  live.textContent = words;
};

/**
 * Follows a stream of server-sent events until `signal` says that it is enough, over broken connections.
 *
 * Not an EventSource: that cannot send the token in a header, and an address is no place for one. A page
 * that is out of sight lets go of its connection, of which a browser has six for one address.
 */
export function follow(path, first, handlers, signal) {
  let last = first, wait = 250;
  const visible = () => new Promise(resolve => {
    if (!document.hidden) return resolve();
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
  });
  const pause = time => new Promise(resolve => {
    const timer = setTimeout(resolve, time);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
  const take = text => {
    let event = 'message', data = '', id;
    for (const line of text.split('\n')) {
      if (line.startsWith('event: ')) event = line.slice(7);
      else if (line.startsWith('data: ')) data += line.slice(6);
      else if (line.startsWith('id: ')) id = line.slice(4);
    }
    if (id) last = id;
    if (data) handlers[event]?.(JSON.parse(data), id);
  };
  const once = async () => {
    const stop = new AbortController();
    const hide = () => { if (document.hidden) stop.abort(); };
    const end = () => stop.abort();
    signal.addEventListener('abort', end);
    document.addEventListener('visibilitychange', hide);
    try {
      const more = last ? { 'Last-Event-ID': last } : {};
      const answer = await send(path, { headers: headers(more), signal: stop.signal });
      tell('on', 'live');
      wait = 250;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        text += value;
        let end;
        while ((end = text.indexOf('\n\n')) >= 0) {
          take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    } finally {
      signal.removeEventListener('abort', end);
      document.removeEventListener('visibilitychange', hide);
    }
  };
  (async () => {
    while (!signal.aborted) {
      await visible();
      if (signal.aborted) return;
      try {
        await once();
        // A server that ends streams at once is not asked without a pause.
        await pause(wait);
      } catch (error) {
        if (signal.aborted) return;
        if (error.name !== 'AbortError') {
          tell('off', error.status >= 400 && error.status < 500 ? 'not live' : 'reconnecting');
          if (error.status === 401 || error.status === 403 || error.status === 404) {
            handlers.refused?.(error);
            return;
          }
          await pause(wait);
          wait = Math.min(wait * 2, 10000);
        }
      }
    }
  })();
}
export const notLive = () => tell('', '');
