// One trial: its parameters, what it reported, its attempts, what was decided about it, what it printed.
import { follow, get, getExact, post, server, studyPath } from './api.js';
import { ask, duration, h, keep, moment, name, nothing, number, redraw, refill, stateBadge, studyAddress, table, toast, trialAddress, value } from './dom.js';
import { Curve } from './chart.js';
import { enqueue } from './study.js';

export async function show(main, [study, text], signal) {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`“${text.slice(0, 40)}” is no number of a trial.`);
  const trial = Number(text), path = studyPath(study, `/trials/${trial}`);
  document.title = `Trial ${trial} of ${study.slice(0, 60)} – Needletail`;
  const read = () => getExact(`${path}?distributions=true`, signal);
  const body = h('div', { class: 'page' });
  const logs = new Logs(path, signal);
  // The event first: what happens behind it is told again.
  const series = await get(studyPath(study, '/table?limit=1'), signal);
  let data = await read();
  const isReadOnly = (await server()).read_only;
  const curve = new Curve([]);
  const draw = () => drawTrial(body, study, data, logs, curve, series.total, isReadOnly);
  draw();
  main.replaceChildren(body);
  logs.load(data.attempts.at(-1)?.attempt ?? 1);
  let isReading = false, isOld = false;
  const again = async () => {
    isOld = true;
    if (isReading) return;
    isReading = true;
    while (isOld && !signal.aborted) {
      isOld = false;
      try {
        data = await read();
        redraw(draw);
        logs.load(data.attempts.at(-1)?.attempt ?? 1);
      } catch (error) {
        if (error.name !== 'AbortError') toast(error.message);
      }
      await new Promise(resolve => setTimeout(resolve, 250));
    }
    isReading = false;
  };
  follow(studyPath(study, '/events'), series.event, {
    trials: event => {
      series.total = event.total;
      if (event.rows.some(row => row[0] === trial)) again();
    },
    reset: again,
  }, signal);
}

function drawTrial(body, study, data, logs, curve, total, isReadOnly) {
  const infeasible = Object.entries(data.system_attributes).filter(([key]) => key.startsWith('constraints:'))
    .some(([, any]) => !(any <= 0)) || (Array.isArray(data.system_attributes.constraints) && data.system_attributes.constraints.some(any => !(any <= 0)));
  const state = data.state === 'completed' && infeasible ? 'infeasible' : data.interrupted ? 'interrupted' : data.state;
  const link = (trial, text) => trial >= 0 && trial < total ? h('a', { class: 'button', href: trialAddress(study, trial) }, text) : null;
  const again = h('button', {
    type: 'button', 'data-action': 'enqueue', onclick: () => enqueue(study, {
      best: [], parameters: [], distributions: Object.keys(data.parameters).map(key => data.distributions[key]),
    }, data.parameters),
  }, 'Run again with changes');
  const retry = data.state === 'failed' ? h('button', {
    type: 'button', 'data-action': 'retry', onclick: () => ask('Try again',
      'A new trial with the same parameters is queued; this one stays as it is.', [], 'Try again', async () => {
        const { number: added } = await post(studyPath(study, `/trials/${data.number}/retry`));
        toast(`Trial ${added} repeats trial ${data.number}.`);
      }),
  }, 'Try again') : null;
  const fact = (head, ...words) => h('div', { class: 'fact' }, h('dt', {}, head), h('dd', {}, words));
  const parameters = Object.entries(data.parameters);
  refill(body,
    h('nav', { 'aria-label': 'Trial', class: 'row between' },
      h('a', { href: studyAddress(study) }, '← ', name(study)),
      h('span', { class: 'row' }, link(data.number - 1, '‹ previous'), link(data.number + 1, 'next ›'))),
    h('div', { class: 'row between head' }, h('h1', {}, `Trial ${data.number}`), stateBadge(state),
      h('div', { class: 'row actions' }, isReadOnly ? h('span', { class: 'quiet' }, 'read only') : [retry, again])),
    h('dl', { class: 'cards' },
      fact(data.values.length > 1 ? 'Values' : 'Value', data.values.length ? data.values.map(any => number(any, 10)).join(' · ') : '–'),
      fact('Started', moment(data.started_at)),
      fact('Duration', state === 'running' && data.started_at
        ? duration((Date.now() - new Date(data.started_at).getTime()) / 1000) + ' so far' : duration(data.duration_seconds)),
      fact('Attempts', String(data.attempts.length || '–'))),
    why(data, state),
    h('div', { class: 'two' },
      h('section', { class: 'card', 'aria-labelledby': 'reports-title' }, h('h2', { id: 'reports-title' }, 'Reports'), reports(data, curve)),
      h('section', { class: 'card attributes', 'aria-labelledby': 'parameters-title' }, h('h2', { id: 'parameters-title' }, 'Parameters'),
        parameters.length ? table('Parameters', ['parameter', 'value', 'range'], parameters.map(([key, any]) =>
          [name(key), h('bdi', {}, value(any)), range(data.distributions[key])])) : nothing('The trial has no parameters yet.'))),
    h('section', { class: 'card', 'aria-labelledby': 'attempts-title' }, h('h2', { id: 'attempts-title' }, 'Attempts'),
      data.attempts.length ? table('Attempts', ['attempt', 'worker', 'started', 'ended', 'outcome', 'reason'], data.attempts.map(one => [
        String(one.attempt), name(one.worker.replace(/^worker:/, '')), moment(one.started_at), moment(one.ended_at), one.outcome ?? (data.interrupted && one === data.attempts.at(-1) ? 'worker gone' : 'running'), h('bdi', { class: 'reason' }, one.reason || '–')]))
        : nothing('Nobody ran this trial under a lease of Needletail; another program may have.')),
    attributes('What the sampler and the coordinator decided', data.system_attributes,
      'Nothing was noted: the parameters were chosen by themselves.'),
    attributes('What the objective noted', data.user_attributes, 'The objective noted nothing.'),
    keep(logs.node));
}

/** Why it ended as it did, in a sentence. */
function why(data, state) {
  const system = data.system_attributes, last = data.intermediate_values.at(-1);
  const words = (...parts) => h('p', { class: `why ${state}` }, parts);
  if (data.state === 'pruned') {
    const reason = system['needletail:pruned'];
    return words(reason ? ['Pruned: ', h('bdi', {}, String(reason)), '.']
      : last ? `Pruned after step ${last.step}, where it reported ${number(last.value)}; nobody noted why.`
        : 'Pruned before it reported anything; nobody noted why.');
  }
  if (data.state === 'failed') {
    const reason = system['needletail:reason'] ?? system.fail_reason ?? data.attempts.at(-1)?.reason;
    const outcome = system['needletail:outcome'];
    return words(outcome && outcome !== 'failed' ? `Failed (${String(outcome).replaceAll('_', ' ')}): ` : 'Failed: ',
      reason ? h('bdi', { class: 'reason' }, String(reason)) : 'nobody noted why', '.');
  }
  if (state === 'infeasible') return words('Completed, but it violates a constraint, so it cannot be the best.');
  if (state === 'interrupted') return words('Nobody runs it: its worker is gone or gave it back. The next worker takes it.');
  if (data.state === 'waiting') return words('Queued; it is run before new trials.');
  return '';
}

function reports(data, curve) {
  const points = data.intermediate_values.map(one => [one.step, one.value]);
  if (!points.length) return nothing('Nothing was reported.');
  curve.read([{ points, ink: 'blue' }]);
  const rows = points.slice(-200).reverse().map(([step, any]) => [number(step), number(any, 8)]);
  return [keep(curve.node), h('details', {}, h('summary', {}, points.length > 200 ? 'The last 200 as a table' : 'As a table'),
    table('Reports', ['step', 'value'], rows))];
}

function range(distribution) {
  const { name: kind, attributes: given } = distribution ?? {};
  if (!given) return '–';
  if (given.choices) return h('bdi', {}, `one of ${given.choices.slice(0, 12).map(value).join(', ')}${given.choices.length > 12 ? ', …' : ''}`);
  const step = given.step && !(kind === 'IntDistribution' && given.step === 1) ? `, step ${number(given.step)}` : '';
  return `${number(given.low)} to ${number(given.high)}${step}${given.log ? ', logarithmic' : ''}`;
}

/** @type {[RegExp, string][]} Keys of attributes that samplers and pruners write. */
const known = [
  [/^fixed_params$/, 'values that somebody queued'],
  [/^needletail:sampler$/, 'how the sampler chose'],
  [/^needletail:drawn$/, 'what the sampler drew before it was rounded'],
  [/^completed_rung_(\d+)$/, 'value when rung $1 was reached'],
  [/^needletail:pruned$/, 'why the pruner stopped it'],
  [/^needletail:outcome$/, 'how the last attempt ended'],
  [/^needletail:reason$/, 'why'],
  [/^constraints/, 'constraint, kept at 0 and below'],
  [/generation$/, 'generation of a genetic sampler'],
  [/^(cma|ipop_cma):/, 'state of CMA-ES'],
];

function attributes(title, all, none) {
  const entries = Object.entries(all);
  const text = any => {
    const words = value(any);
    return words.length <= 300 ? h('bdi', {}, words)
      : h('details', {}, h('summary', {}, h('bdi', {}, words.slice(0, 120)), ' …'), h('bdi', {}, words));
  };
  const meaning = key => {
    const found = known.find(([pattern]) => pattern.test(key));
    if (!found) return '';
    const [pattern, words] = found;
    return words.replace('$1', key.match(pattern)[1] ?? '');
  };
  const isOurs = title.startsWith('What the sampler');
  return h('section', { class: 'card attributes' }, h('h2', {}, title), entries.length
    ? table(title, isOurs ? ['key', 'value', 'meaning'] : ['key', 'value'], entries.map(([key, any]) =>
      isOurs ? [name(key), text(any), meaning(key)] : [name(key), text(any)])) : nothing(none));
}

/** The end of what the trial printed, where that is known. */
class Logs {
  constructor(path, signal) {
    this.path = path;
    this.signal = signal;
    this.text = h('pre', { class: 'log', tabindex: '0', 'aria-label': 'Log' });
    this.words = h('p', { class: 'quiet' });
    this.stream = 'stdout';
    const choice = h('select', { 'aria-label': 'Stream', onchange: () => { this.stream = choice.value; this.load(this.attempt); } },
      h('option', { value: 'stdout' }, 'standard output'), h('option', { value: 'stderr' }, 'standard error'));
    this.node = h('section', { class: 'card', 'aria-labelledby': 'log-title' },
      h('div', { class: 'row between' }, h('h2', { id: 'log-title' }, 'Log'), choice), this.words, this.text);
  }

  async load(attempt) {
    this.attempt = attempt;
    try {
      const log = await get(`${this.path}/log?stream=${this.stream}&attempt=${attempt}`, this.signal);
      if (attempt !== this.attempt) return;
      if (log.text === null) throw new Error(log.reason);
      redraw(() => {
        const isAtEnd = this.text.scrollTop + this.text.clientHeight >= this.text.scrollHeight - 20;
        refill(this.text, log.text);
        this.text.hidden = false;
        if (isAtEnd) this.text.scrollTop = this.text.scrollHeight;
        refill(this.words, log.size === 0 ? 'It printed nothing.' : log.skipped ? `The last part; ${log.skipped} bytes before it are not shown.` : '');
      });
    } catch (error) {
      if (error.name === 'AbortError') return;
      redraw(() => {
        this.text.hidden = true;
        refill(this.words, `${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
      });
    }
  }
}
