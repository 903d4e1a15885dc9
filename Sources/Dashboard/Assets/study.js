// A study: how it goes, its history, its best trials, the table of its trials, figures, note and control.
import { follow, get, isAfter, post, server, studyPath } from './api.js';
import { ask, clock, count, duration, h, name, nothing, number, redraw, refill, stateBadge, table, toast, trialAddress, value } from './dom.js';
import { History } from './chart.js';
import { Figure } from './figures.js';
import { TrialTable } from './table.js';

const verbs = {
  pause: ['Pause', 'No more trials are handed out until it is resumed; those that run go on.'],
  stop: ['Stop', 'No more trials are handed out, and whoever runs the study ends; trials that run are finished.'],
  cancel: ['Cancel', 'As stop, and trials that run are stopped, too; what they did is lost.'],
  resume: ['Resume', 'Trials are handed out again.'],
};

export async function show(main, [study], signal) {
  document.title = `${study.slice(0, 60)} – Needletail`;
  const [data, about] = await Promise.all([get(studyPath(study, '/series'), signal), server()]);
  performance.mark('needletail-data');
  const page = new Page(study, data, about.read_only, signal);
  main.replaceChildren(page.node);
  follow(studyPath(study, '/events'), data.event, {
    trials: (event, id) => page.take(id, () => page.update(event, id)),
    status: (event, id) => page.take(id, () => page.setStatus(event)),
    reset: () => page.readAgain(),
  }, signal);
}

class Page {
  constructor(study, data, isReadOnly, signal) {
    this.study = study;
    this.isReadOnly = isReadOnly;
    this.waiting = new Set();
    this.draw = () => this.drawAll();
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
    this.answer = h('div', { class: 'answer' });
    this.chartPlace = h('div');
    this.legend = h('p', { class: 'legend quiet' });
    this.table = new TrialTable(study, data, signal);
    this.figures = this.kinds().map(kind => new Figure(kind, studyPath(study, `/figures/${kind}`), signal, () => this.data.parameters));
    this.note = h('section', { class: 'card', 'aria-labelledby': 'note-title' });
    this.node = h('div', { class: 'page' },
      h('div', { class: 'row between head' },
        h('h1', {}, name(study)), this.control, this.actions),
      this.cards, this.said,
      h('div', { class: 'two' },
        h('section', { class: 'card', 'aria-labelledby': 'history-title' },
          h('div', { class: 'row between' }, h('h2', { id: 'history-title' }, 'History'), this.historyTools(), this.objectives()),
          this.chartPlace, this.legend),
        h('section', { class: 'card attributes', 'aria-labelledby': 'best-title' },
          h('h2', { id: 'best-title' }, data.directions.length > 1 ? 'Pareto front' : 'Best trial'), this.best, this.answer)),
      this.table.node,
      h('section', { 'aria-labelledby': 'plots-title' }, h('h2', { id: 'plots-title' }, 'Figures'),
        h('div', { class: 'plots' }, this.figures.map(figure => figure.node))),
      this.note);
    this.chart(0);
    this.drawAll();
  }

  kinds() {
    const several = this.data.directions.length > 1;
    return [...(several ? ['pareto', 'hypervolume'] : ['intermediate']), 'importances', 'matters', 'parallel', 'slice',
      'contour', 'rank', 'edf', 'timeline', 'attempts', 'parallelism', ...(several ? [] : ['rungs'])];
  }

  objectives() {
    const { directions, status } = this.data;
    if (directions.length < 2) return null;
    const choice = h('select', { 'aria-label': 'Objective', onchange: () => this.chart(+choice.value) },
      directions.map((_, i) => h('option', { value: String(i) }, status.metrics[i] ?? `objective ${i}`)));
    return choice;
  }

  /** Switches of the history: logarithmic or not, with or without what was pruned and failed. */
  historyTools() {
    const box = (words, key, change) => {
      const input = h('input', { type: 'checkbox', value: key, checked: key === 'ended', onchange: () => {
        change(input.checked);
        this.history.later();
      } });
      return h('label', { class: 'filter' }, input, words);
    };
    this.isLogAsked = undefined;
    this.hidesEnded = false;
    return h('span', { class: 'row tools' },
      box('logarithmic', 'log', isOn => { this.history.isLogAsked = this.isLogAsked = isOn; }),
      box('pruned and failed', 'ended', isOn => { this.history.hidesEnded = this.hidesEnded = !isOn; }));
  }

  /** The parameters of a trial, for the history's tip. */
  async describe(trial) {
    try {
      const { parameters } = await get(studyPath(this.study, `/trials/${trial}`), this.signal);
      const all = Object.entries(parameters);
      return [...all.slice(0, 12).map(([key, any]) => [name(key), h('bdi', {}, value(any))]),
        ...(all.length > 12 ? [['', `and ${all.length - 12} more`]] : [])];
    } catch {
      // The trial's own page says what is wrong.
      return [];
    }
  }

  /** Reads which trial to use, when trials have completed since. */
  readAnswer() {
    const { completed } = this.data.counts;
    if (this.data.directions.length > 1 || completed < 10 || this.answered === completed || this.answering) return;
    this.answering = true;
    this.answered = completed;
    get(studyPath(this.study, '/best'), this.signal).then(found => this.drawAnswer(found)).catch(error => {
      if (error.name !== 'AbortError') refill(this.answer, h('p', { class: 'quiet' }, error.message));
    }).finally(() => {
      // Not for each trial of a quick study.
      setTimeout(() => {
        this.answering = false;
        if (!this.signal.aborted && !document.hidden) this.readAnswer();
      }, 10000);
    });
  }

  drawAnswer({ use, luckiest, completed }) {
    if (!use || use.expected === null) return;
    const link = trial => h('a', { href: trialAddress(this.study, trial) }, `trial ${trial}`);
    const [low, high] = use.interval.map(any => number(any, 4));
    redraw(() => refill(this.answer,
      h('p', {}, 'Use ', link(use.number), `: without noise ${number(use.expected, 5)} is expected, with 95 % between ${low} and ${high}; `
        + `the best of ${count(completed)} with ${number(use.probability_best * 100, 3)} %.`),
      luckiest.number === use.number ? '' : h('p', { class: 'quiet' }, 'The best value is that of ', link(luckiest.number),
        luckiest.expected === null ? ', which was lucky.' : `, which was lucky: of it ${number(luckiest.expected, 5)} is expected.`)));
  }

  chart(objective) {
    this.history = new History(this.data, objective, this.open);
    this.history.isLogAsked = this.isLogAsked;
    this.history.hidesEnded = this.hidesEnded;
    this.history.describe = trial => this.describe(trial);
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
    if (counts.p && !this.hidesEnded) parts.push(key('orange', 'pruned'));
    if (counts.f && !this.hidesEnded) parts.push(key('purple', 'failed'));
    if (counts.r && !this.hidesEnded) parts.push(key('green', 'running'));
    const notes = [];
    if (this.history.missing && parts.length)
      notes.push(`${count(this.history.missing)} without a finite value ${this.history.missing === 1 ? 'is' : 'are'} not drawn`);
    if (this.history.isThinned) notes.push('points are thinned out, the extremes are kept');
    const words = `${parts.map(part => part.textContent)} ${notes}`;
    if (words === this.legendWords) return;
    this.legendWords = words;
    refill(this.legend, ...parts, notes.join('; '));
  }

  // What changes

  /** Has an event taken in, unless all is being read anew: then behind that. */
  take(id, act) {
    if (this.missed) this.missed.push([id, act]); else act();
  }

  update(event, id) {
    this.progress(event);
    this.history.update(event.rows, event.total);
    this.table.update(event, id);
    for (const figure of this.figures) figure.stale();
    performance.mark('needletail-event');
  }

  setStatus(event) {
    this.progress(event);
    const { control, limit, sampler, pruner, metrics, has_command, note, note_version } = event;
    this.data.status = { control, limit, sampler, pruner, metrics, has_command, note, note_version };
  }

  /** How it goes, which each event says of its moment. */
  progress(event) {
    const { total, counts, best, best_count, rate, eta, study_status, actions, interrupted, ended_at } = event;
    Object.assign(this.data, { total, counts, best, best_count, rate, eta, study_status, actions, interrupted, ended_at });
    this.data.parameters = event.parameters ?? this.data.parameters;
    redraw(this.draw);
  }

  /** Reads everything anew; events that come meanwhile and are not in what was read are taken afterwards. */
  async readAgain() {
    if (this.missed) {
      this.missed = [];
      this.isOld = true;
      return;
    }
    this.missed = [];
    for (let wait = 250; !this.signal.aborted; wait = Math.min(wait * 2, 10000)) {
      this.isOld = false;
      try {
        const data = await get(studyPath(this.study, '/series'), this.signal);
        if (this.isOld) continue;
        const missed = this.missed;
        this.missed = undefined;
        this.refresh(data);
        for (const [id, act] of missed) if (isAfter(id, data.event)) act();
        return;
      } catch (error) {
        if (error.name === 'AbortError') return;
        await new Promise(resolve => setTimeout(resolve, wait));
      }
    }
  }

  refresh(data) {
    this.data = data;
    this.history.read(data);
    this.table.refresh(data);
    for (const figure of this.figures) figure.stale();
    redraw(this.draw);
  }

  /** Waits until the page shows what `condition` asks of its data; not for long, since others may change it. */
  shows(condition) {
    return new Promise(resolve => {
      const one = () => {
        if (!condition(this.data)) return;
        this.waiting.delete(one);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => { this.waiting.delete(one); resolve(); }, 3000);
      this.waiting.add(one);
      one();
    });
  }

  drawAll() {
    this.drawProgress();
    this.drawStatus();
    for (const one of [...this.waiting]) one();
  }

  drawProgress() {
    const { counts, best, best_count, directions, rate, interrupted, status } = this.data;
    const finished = counts.completed + counts.pruned + counts.failed, running = counts.running - interrupted;
    const card = (head, body, more) => h('div', { class: 'fact', 'data-key': head }, h('dt', {}, head), h('dd', {}, body),
      more && h('dd', { class: 'more' }, more));
    const several = directions.length > 1;
    const others = [counts.waiting ? `${count(counts.waiting)} waiting` : 'none waiting',
      interrupted ? `${count(interrupted)} interrupted` : ''].filter(Boolean).join(', ');
    refill(this.cards,
      several ? card('On the Pareto front', count(best_count))
        : card(`Best ${status.metrics[0] ?? 'value'}`, best.length ? number(best[0][2][0], 7) : '–',
          h('small', {}, best.length ? ['in ', h('a', { href: trialAddress(this.study, best[0][0]) }, `trial ${best[0][0]}`)]
            : counts.completed ? 'no trial is feasible' : 'no trial has completed', ` · ${directions[0]}d`)),
      card('Finished', [count(finished), status.limit ? h('small', {}, ` of ${count(status.limit)}`) : null],
        status.limit ? h('progress', { max: String(status.limit), value: Math.min(finished, status.limit), 'aria-label': 'Finished trials' })
          : h('small', {}, 'no number was set')),
      card('Running', count(running), h('small', {}, others)),
      card('Throughput', rate === null ? '–' : rate >= 1 ? `${number(rate, 3)}/s` : `${number(rate * 60, 3)}/min`,
        h('small', {}, rate === null ? 'too few finished of late' : 'trials of late')),
      card(...this.end()),
      // All of them, so that nothing moves when another one appears.
      h('div', { class: 'fact states', 'data-key': 'states' }, h('dt', {}, 'States'), h('dd', {},
        Object.entries({ waiting: counts.waiting, running, interrupted, completed: counts.completed, pruned: counts.pruned, failed: counts.failed })
          .map(([state, many]) => h('span', { class: many ? 'count' : 'count none' }, stateBadge(state), ` ${count(many)}`)))));
    this.drawBest();
    this.readAnswer();
    // Spoken now and then, not for each trial; gone with what it was true of.
    this.said.textContent = this.isToSay ? `${count(finished)} trials finished, ${count(running)} running` : '';
    this.isToSay = false;
    this.speaking ??= setTimeout(() => {
      this.speaking = undefined;
      this.isToSay = true;
      redraw(this.draw);
    }, 10000);
  }

  /** When the study ends or ended: head, figure, sentence. */
  end() {
    const { eta, ended_at, study_status, status } = this.data;
    const done = { complete: 'it has all its trials', exhausted: 'all there is was tried' }[study_status];
    if (done) return ['Ended', clock(ended_at), h('small', {}, done)];
    if (eta !== null) return ['Done in', duration(eta), h('small', {}, `about ${clock(Date.now() / 1000 + eta)}`)];
    const why = {
      paused: 'paused', stopped: 'stopped', waiting_for_workers: 'nobody runs it', failing: 'the last trials failed',
    }[study_status];
    return ['Done in', '–', h('small', {}, why ?? (status.limit ? 'not known yet' : 'no end was set'))];
  }

  drawBest() {
    const { best, best_count, directions, parameters, status } = this.data;
    const words = JSON.stringify([best, parameters, status.metrics]);
    if (words === this.bestWords) return;
    this.bestWords = words;
    if (!best.length) {
      refill(this.best, nothing(this.data.total
        ? 'No trial has completed with a feasible value, so none is the best.' : 'The study has no trials yet.'));
      return;
    }
    if (directions.length > 1) {
      const heads = ['trial', ...directions.map((direction, i) => `${status.metrics[i] ?? `value ${i}`} (${direction}d)`)];
      refill(this.best, h('p', { class: 'quiet' }, 'By the first objective.'), table('Trials that no other one beats', heads, best.map(row => [
        h('a', { href: trialAddress(this.study, row[0]) }, String(row[0])), ...row[2].map(any => number(any))])),
      best_count > best.length ? h('p', { class: 'quiet' }, `and ${count(best_count - best.length)} more`) : '');
      return;
    }
    const [row] = best;
    const shown = row[7].map((any, i) => [parameters[i], any]).filter(([, any]) => any !== null);
    refill(this.best,
      h('p', { class: 'figure-number' }, number(row[2][0], 8), ' ',
        h('a', { href: trialAddress(this.study, row[0]) }, `trial ${row[0]}`)),
      shown.length ? table('Its parameters', ['parameter', 'value'], shown.slice(0, 60).map(([key, any]) => [name(key), h('bdi', {}, value(any))]))
        : nothing('It has no parameters.'));
  }

  // Control

  drawStatus() {
    const { study_status, actions, status } = this.data;
    this.control.className = `control ${study_status}`;
    refill(this.control, study_status.replaceAll('_', ' '));
    this.control.title = [status.sampler && `sampler ${status.sampler}`, status.pruner && `pruner ${status.pruner}`]
      .filter(Boolean).join(', ');
    refill(this.actions, this.isReadOnly ? h('span', { class: 'quiet' }, 'read only') : this.buttons(actions));
    this.drawNote(status);
  }

  buttons(actions) {
    const act = verb => h('button', {
      type: 'button', 'data-action': verb, onclick: () => ask(verbs[verb][0], verbs[verb][1], [], verbs[verb][0], async () => {
        const after = await post(studyPath(this.study, `/${verb}`));
        await this.shows(data => data.status.control === after.control);
        toast(`The study is ${after.control}.`);
      }),
    }, verbs[verb][0]);
    return [...actions.map(act), h('button', {
      type: 'button', 'data-action': 'enqueue', onclick: () => enqueue(this.study, this.data, null, added => this.shows(data => data.total > added)),
    }, 'Enqueue')];
  }

  drawNote(status) {
    const edit = () => {
      const text = h('textarea', { rows: '8', 'aria-label': 'Note', maxlength: '60000' });
      text.value = status.note;
      ask('Note', 'It is kept with the study; optuna-dashboard shows it, too.', [text], 'Save', async () => {
        const after = await post(studyPath(this.study, '/note'), { text: text.value, version: status.note_version });
        await this.shows(data => data.status.note_version >= after.version);
      });
    };
    refill(this.note,
      h('div', { class: 'row between' }, h('h2', { id: 'note-title' }, 'Note'),
        this.isReadOnly ? null : h('button', { type: 'button', class: 'small', 'data-action': 'note', onclick: edit }, 'Edit')),
      status.note ? h('div', { class: 'note', dir: 'auto' }, status.note) : nothing('Nobody has written a note on this study.'));
  }
}

/**
 * Asks for the values of a trial to be queued; those of `given` or of the best trial stand there at first.
 * @param {string} study @param {any} data @param {any} given
 * @param {(added: number) => any} isShown Returns when the page shows the trial.
 */
export function enqueue(study, data, given, isShown = () => {}) {
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
    await isShown(added);
    toast(`Trial ${added} is queued.`);
  });
}
