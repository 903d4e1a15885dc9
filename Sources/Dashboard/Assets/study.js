// A study: how it goes, its history, its best trials, the table of its trials, figures, note and control.
import { follow, get, post, server, studyPath } from './api.js';
import { ask, count, duration, h, name, nothing, number, refill, stateBadge, table, toast, trialAddress, value } from './dom.js';
import { History } from './chart.js';
import { Figure } from './figures.js';
import { TrialTable } from './table.js';

const controls = { running: 'running', paused: 'paused', stopped: 'stopped', cancelled: 'cancelled' };

export async function show(main, [study], signal) {
  document.title = `${study.slice(0, 60)} – Needletail`;
  let data = await get(studyPath(study, '/series'), signal);
  performance.mark('needletail-data');
  const page = new Page(study, data, signal);
  main.replaceChildren(page.node);
  follow(studyPath(study, '/events'), data.event, {
    trials: event => page.update(event),
    status: status => page.setStatus(status),
    reset: async () => {
      data = await get(studyPath(study, '/series'), signal);
      page.refresh(data);
    },
  }, signal);
}

class Page {
  constructor(study, data, signal) {
    this.study = study;
    this.signal = signal;
    this.data = data;
    const open = trial => {
      history.pushState(null, '', trialAddress(study, trial));
      dispatchEvent(new PopStateEvent('popstate'));
    };
    this.open = open;
    this.control = h('span', { class: 'control' });
    this.actions = h('div', { class: 'row actions' });
    this.cards = h('dl', { class: 'cards' });
    this.said = h('p', { class: 'hidden', role: 'status', 'aria-live': 'polite' });
    this.best = h('div');
    this.chartPlace = h('div');
    this.legend = h('p', { class: 'legend quiet' });
    this.table = new TrialTable(study, data, signal);
    this.figures = this.kinds().map(kind => new Figure(kind, studyPath(study, `/figures/${kind}`), signal, () => this.data.parameters.length));
    this.note = h('section', { class: 'card', 'aria-labelledby': 'note-title' });
    this.node = h('div', { class: 'page' },
      h('div', { class: 'row between head' },
        h('h1', {}, name(study)), this.control, this.actions),
      this.cards, this.said,
      h('div', { class: 'two' },
        h('section', { class: 'card', 'aria-labelledby': 'history-title' },
          h('div', { class: 'row between' }, h('h2', { id: 'history-title' }, 'History'), this.objectives()),
          this.chartPlace, this.legend),
        h('section', { class: 'card attributes', 'aria-labelledby': 'best-title' },
          h('h2', { id: 'best-title' }, data.directions.length > 1 ? 'Pareto front' : 'Best trial'), this.best)),
      this.table.node,
      h('section', { 'aria-labelledby': 'plots-title' }, h('h2', { id: 'plots-title' }, 'Figures'),
        h('div', { class: 'plots' }, this.figures.map(figure => figure.node))),
      this.note);
    this.chart(0);
    this.drawProgress();
    this.setStatus(data.status);
  }

  kinds() {
    const several = this.data.directions.length > 1;
    return [...(several ? ['pareto', 'hypervolume'] : ['intermediate']), 'importances', 'parallel', 'slice',
      'contour', 'rank', 'edf', 'timeline', ...(several ? [] : ['rungs'])];
  }

  objectives() {
    const { directions, status } = this.data;
    if (directions.length < 2) return null;
    const choice = h('select', { 'aria-label': 'Objective', onchange: () => this.chart(+choice.value) },
      directions.map((_, i) => h('option', { value: String(i) }, status.metrics[i] ?? `objective ${i}`)));
    return choice;
  }

  chart(objective) {
    this.history = new History(this.data, objective, this.open);
    this.history.onDrawn = () => this.drawn();
    this.chartPlace.replaceChildren(this.history.node);
    this.history.later();
  }

  /** The legend says only what is in the picture. */
  drawn() {
    if (!this.isMarked) {
      this.isMarked = true;
      performance.mark('needletail-drawn');
    }
    const counts = this.history.counts ?? {}, key = (ink, text) => h('span', { class: `key ${ink}` }, text);
    const parts = [];
    if (counts.c) parts.push(key('blue', 'completed'), key('line', 'best so far'));
    if (counts.i) parts.push(key('cross', 'infeasible'));
    if (counts.p) parts.push(key('orange', 'pruned'));
    if (counts.f) parts.push(key('purple', 'failed'));
    if (counts.r) parts.push(key('green', 'running'));
    const notes = [];
    if (this.history.missing && parts.length)
      notes.push(`${count(this.history.missing)} without a finite value ${this.history.missing === 1 ? 'is' : 'are'} not drawn`);
    if (this.history.isThinned) notes.push('points are thinned out, the extremes are kept');
    const words = `${parts.map(part => part.textContent)} ${notes}`;
    if (words === this.legendWords) return;
    this.legendWords = words;
    this.legend.replaceChildren(...parts, notes.join('; '));
  }

  // What changes

  update(event) {
    this.data.parameters = event.parameters ?? this.data.parameters;
    Object.assign(this.data, {
      total: event.total, counts: event.counts, best: event.best, best_count: event.best_count,
      rate: event.rate, eta: event.eta,
    });
    this.history.update(event.rows, event.total);
    this.table.update(event);
    this.drawProgress();
    for (const figure of this.figures) figure.stale();
    performance.mark('needletail-event');
  }

  refresh(data) {
    this.data = data;
    this.history.read(data);
    this.table.refresh(data);
    this.drawProgress();
    this.setStatus(data.status);
    for (const figure of this.figures) figure.stale();
  }

  drawProgress() {
    const { counts, total, best, best_count, directions, rate, eta, status } = this.data;
    const finished = counts.completed + counts.pruned + counts.failed;
    const card = (head, body, more) => h('div', { class: 'fact' }, h('dt', {}, head), h('dd', {}, body), more);
    const several = directions.length > 1;
    const cards = [
      several ? card('On the Pareto front', count(best_count))
        : card(`Best ${status.metrics[0] ?? 'value'}`, best.length ? number(best[0][2][0], 7) : '–',
          h('small', {}, best.length ? ['in ', h('a', { href: trialAddress(this.study, best[0][0]) }, `trial ${best[0][0]}`)]
            : 'no trial has completed', ` · ${directions[0]}d`)),
      card('Finished', [count(finished), status.limit ? h('small', {}, ` of ${count(status.limit)}`) : null],
        status.limit ? h('progress', { max: String(status.limit), value: Math.min(finished, status.limit), 'aria-label': 'Finished trials' })
          : h('small', {}, 'no number was set')),
      card('Running', count(counts.running), h('small', {}, counts.waiting ? `${count(counts.waiting)} waiting` : 'none waiting')),
      card('Throughput', rate === null ? '–' : rate >= 1 ? `${number(rate, 3)}/s` : `${number(rate * 60, 3)}/min`,
        h('small', {}, rate === null ? 'too few finished of late' : 'trials of late')),
      card('Left', eta === null ? '–' : duration(eta), h('small', {}, eta === null ? 'not known' : 'at this throughput')),
    ];
    cards.push(h('div', { class: 'fact states' }, h('dt', {}, 'States'), h('dd', {},
      Object.entries(counts).filter(([, many]) => many)
        .map(([state, many]) => h('span', { class: 'count' }, stateBadge(state), ` ${count(many)}`)),
      total ? null : 'no trials yet')));
    // Only what has changed is touched.
    const shown = this.cards.children;
    if (shown.length !== cards.length) this.cards.replaceChildren(...cards);
    else cards.forEach((one, i) => { if (!one.isEqualNode(shown[i])) refill(shown[i], [...one.childNodes]); });
    this.drawBest();
    // Spoken now and then, not for each trial.
    this.speaking ??= setTimeout(() => {
      this.speaking = undefined;
      this.said.textContent = `${finished} trials finished, ${this.data.counts.running} running`;
    }, 10000);
  }

  drawBest() {
    const { best, best_count, directions, parameters, status } = this.data;
    const words = JSON.stringify([best, parameters, status.metrics]);
    if (words === this.bestWords) return;
    this.bestWords = words;
    if (!best.length) {
      this.best.replaceChildren(nothing(this.data.total
        ? 'No trial has completed with a feasible value, so none is the best.' : 'The study has no trials yet.'));
      return;
    }
    if (directions.length > 1) {
      const heads = ['trial', ...directions.map((direction, i) => `${status.metrics[i] ?? `value ${i}`} (${direction}d)`)];
      this.best.replaceChildren(table('Trials that no other one beats', heads, best.map(row => [
        h('a', { href: trialAddress(this.study, row[0]) }, String(row[0])), ...row[2].map(any => number(any))])),
      best_count > best.length ? h('p', { class: 'quiet' }, `and ${count(best_count - best.length)} more`) : '');
      return;
    }
    const [row] = best;
    const shown = row[7].map((any, i) => [parameters[i], any]).filter(([, any]) => any !== null);
    this.best.replaceChildren(
      h('p', { class: 'figure-number' }, number(row[2][0], 8), ' ',
        h('a', { href: trialAddress(this.study, row[0]) }, `trial ${row[0]}`)),
      shown.length ? table('Its parameters', ['parameter', 'value'], shown.slice(0, 60).map(([key, any]) => [name(key), h('bdi', {}, value(any))]))
        : nothing('It has no parameters.'));
  }

  // Control

  async setStatus(status) {
    this.data.status = status;
    const about = await server();
    this.control.className = `control ${status.control}`;
    this.control.textContent = controls[status.control] ?? status.control;
    this.control.title = [status.sampler && `sampler ${status.sampler}`, status.pruner && `pruner ${status.pruner}`]
      .filter(Boolean).join(', ');
    const words = `${about.read_only} ${status.control}`;
    if (words !== this.actionWords)
      refill(this.actions, about.read_only ? h('span', { class: 'quiet' }, 'read only') : this.buttons());
    this.actionWords = words;
    this.drawProgress();
    this.drawNote(status, about.read_only);
  }

  buttons() {
    const { control } = this.data.status;
    const act = (verb, title, sentence) => h('button', {
      type: 'button', 'data-action': verb, onclick: () => ask(title, sentence, [], title, async () => {
        const after = await post(studyPath(this.study, `/${verb}`));
        this.setStatus({ ...this.data.status, control: after.control });
        toast(`The study is ${after.control}.`);
      }),
    }, title);
    const list = control === 'running'
      ? [act('pause', 'Pause', 'No more trials are handed out until it is resumed; those that run go on.'),
        act('stop', 'Stop', 'No more trials are handed out, and whoever runs the study ends; trials that run are finished.'),
        act('cancel', 'Cancel', 'As stop, and trials that run are stopped, too; what they did is lost.')]
      : [act('resume', 'Resume', 'Trials are handed out again.')];
    list.push(h('button', { type: 'button', 'data-action': 'enqueue', onclick: () => enqueue(this.study, this.data, null) }, 'Enqueue'));
    return list;
  }

  drawNote(status, isReadOnly) {
    const heading = h('h2', { id: 'note-title' }, 'Note');
    const edit = () => {
      const text = h('textarea', { rows: '8', 'aria-label': 'Note', maxlength: '60000' });
      text.value = status.note;
      ask('Note', 'It is kept with the study; optuna-dashboard shows it, too.', [text], 'Save', async () => {
        const after = await post(studyPath(this.study, '/note'), { text: text.value, version: status.note_version });
        this.setStatus({ ...this.data.status, note: text.value, note_version: after.version });
      });
    };
    refill(this.note,
      h('div', { class: 'row between' }, heading,
        isReadOnly ? null : h('button', { type: 'button', class: 'small', 'data-action': 'note', onclick: edit }, 'Edit')),
      status.note ? h('div', { class: 'note', dir: 'auto' }, status.note) : nothing('Nobody has written a note on this study.'));
  }
}

/** Asks for the values of a trial to be queued; those of `row` or of the best trial stand there at first. */
export function enqueue(study, data, given) {
  const known = given ?? Object.fromEntries((data.best[0]?.[7] ?? []).map((any, i) => [data.parameters[i], any]));
  const names = given ? Object.keys(given) : data.parameters;
  const fields = names.map((parameter, i) => {
    const choices = data.distributions?.[i]?.attributes?.choices;
    const label = h('span', {}, name(parameter));
    if (choices) {
      const choice = h('select', {}, h('option', { value: '' }, '(the sampler chooses)'),
        choices.map((any, place) => h('option', { value: String(place) }, value(any))));
      const place = choices.indexOf(known[parameter]);
      choice.value = place < 0 ? '' : String(place);
      return { parameter, label, input: choice, read: () => choice.value === '' ? undefined : choices[+choice.value] };
    }
    const input = h('input', { type: 'text', inputmode: 'decimal', placeholder: '(the sampler chooses)', value: known[parameter] === null || known[parameter] === undefined ? '' : String(known[parameter]) });
    return {
      parameter, label, input, read: () => {
        const text = input.value.trim();
        if (!text) return undefined;
        const isText = typeof known[parameter] === 'string' && Number.isNaN(Number(text));
        return text === 'true' ? true : text === 'false' ? false : isText || Number.isNaN(Number(text)) ? text : Number(text);
      },
    };
  });
  const free = names.length ? null : h('textarea', { rows: '4', 'aria-label': 'Parameters as JSON', placeholder: '{"x": 0.5}' });
  ask('Enqueue a trial', names.length ? 'It is run before new ones. What is left empty the sampler chooses.'
    : 'The study has no parameters yet; give them as a JSON object.',
  [h('div', { class: 'fields' }, fields.map(({ label, input }) => h('label', {}, label, input)), free)], 'Enqueue', async () => {
    let parameters;
    if (free) {
      try {
        parameters = JSON.parse(free.value);
      } catch {
        throw new Error('This is no JSON object.');
      }
    } else {
      parameters = Object.fromEntries(fields.map(({ parameter, read }) => [parameter, read()]).filter(([, any]) => any !== undefined));
    }
    const { number: added } = await post(studyPath(study, '/trials'), { parameters });
    toast(`Trial ${added} is queued.`);
  });
}
