// The worker pool: slots, what they run, and when they were last heard of.
import { follow } from './api.js';
import { ago, count, h, moment, name, nothing, redraw, refill, studyLink, table, trialAddress } from './dom.js';

export async function show(main, _, signal) {
  document.title = 'Workers – Needletail';
  const body = h('div'), others = h('div');
  main.replaceChildren(h('div', { class: 'page' }, h('h1', {}, 'Workers'),
    h('section', { class: 'card', 'aria-label': 'Workers of this coordinator' }, body),
    h('section', { class: 'card', 'aria-labelledby': 'holders' },
      h('h2', { id: 'holders' }, 'Others who hold trials of this store'), others)));
  let latest;
  const draw = () => {
    if (!latest) return;
    const { workers, holders } = latest;
    const slots = workers.filter(worker => worker.state !== 'lost').reduce((sum, worker) => sum + worker.slots, 0);
    const busy = workers.reduce((sum, worker) => sum + worker.running.length, 0);
    refill(body,
      h('p', { class: 'quiet', role: 'status' }, workers.length
        ? `${count(workers.length)} ${workers.length === 1 ? 'worker' : 'workers'}, ${count(busy)} of ${count(slots)} slots busy`
        : ''),
      workers.length ? table('Workers', ['worker', 'state', 'slots', 'runs', 'last heard of', 'host', 'version'], workers.map(worker => [
        name(worker.name), h('span', { class: `control ${worker.state}` }, worker.state),
        `${worker.running.length} of ${worker.slots}`, held(worker.running),
        h('span', { title: moment(worker.last_heartbeat_at), 'data-since': worker.last_heartbeat_at }, ago(worker.last_heartbeat_at)),
        name(worker.host), worker.version]))
        : nothing('No worker is registered here; needletail worker starts one.'));
    refill(others, holders.length
      ? table('Others', ['worker', 'runs'], grouped(holders).map(([worker, list]) => [name(worker), held(list)]))
      : nothing('Nobody else runs trials of this store.'));
  };
  const held = list => list.length ? list.slice(0, 50).map((one, i) => [i ? ', ' : '', studyLink(one.study), ' ',
    h('a', { href: trialAddress(one.study, one.trial) }, `#${one.trial}`),
    one.attempt > 1 ? ` (attempt ${one.attempt})` : '']).flat() : '–';
  const grouped = holders => {
    const groups = new Map();
    for (const one of holders) groups.set(one.worker, [...(groups.get(one.worker) ?? []), one]);
    return [...groups];
  };
  const first = new Promise((resolve, reject) => {
    follow('/v1/events', undefined, {
      workers: event => {
        // The first is drawn with the page.
        if (latest) redraw(draw);
        latest = event;
        resolve();
      },
      refused: reject,
    }, signal);
  });
  const tell = () => { for (const node of body.querySelectorAll('[data-since]')) refill(node, ago(node.dataset.since)); };
  const timer = setInterval(() => redraw(tell), 1000);
  signal.addEventListener('abort', () => clearInterval(timer));
  await first;
  draw();
}
