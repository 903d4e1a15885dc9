// All studies with their counts and best values, as they change.
import { follow, get } from './api.js';
import { count, h, nothing, number, redraw, refill, stateBadge, studyLink, trialAddress } from './dom.js';

export async function show(main, _, signal) {
  document.title = 'Studies – Needletail';
  const { studies } = await get('/v1/studies', signal);
  const list = new List(studies);
  main.replaceChildren(list.node);
  follow('/v1/events', undefined, {
    studies: event => list.update(event),
    refused: () => {},
  }, signal);
}

class List {
  constructor(studies) {
    this.studies = new Map(studies.map(study => [study.name, study]));
    this.chosen = new Set();
    this.body = h('tbody');
    this.drawn = new WeakMap();
    this.redraw = () => this.draw();
    this.summary = h('p', { class: 'quiet', role: 'status' });
    this.search = h('input', { type: 'search', id: 'study-search', placeholder: 'part of a name', autocomplete: 'off', oninput: () => this.draw() });
    this.compare = h('a', { class: 'button', href: '/compare', hidden: true }, 'Compare');
    this.place = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Studies' },
      h('table', { class: 'studies' }, h('caption', { class: 'hidden' }, 'Studies'), h('thead', {}, h('tr', {},
        ['', 'study', 'best value', 'trials', 'status', 'objectives'].map((head, i) =>
          h('th', { scope: 'col', class: i === 2 ? 'number' : '' }, head || h('span', { class: 'hidden' }, 'compare'))))), this.body));
    this.node = h('div', { class: 'page' }, h('h1', {}, 'Studies'),
      h('section', { class: 'card' },
        h('div', { class: 'row tools' }, h('label', { class: 'search', for: 'study-search' }, h('span', {}, 'Search'), this.search), this.compare),
        this.summary, this.place));
    this.draw();
  }

  update({ studies, removed, all }) {
    if (all) this.studies.clear();
    for (const study of studies) this.studies.set(study.name, study);
    for (const gone of removed) this.studies.delete(gone);
    redraw(this.redraw);
  }

  draw() {
    const wanted = this.search.value.trim().toLowerCase();
    const shown = [...this.studies.values()].filter(study => study.name.toLowerCase().includes(wanted));
    const known = new Map([...this.body.children].map(line => [line.dataset.key, line]));
    const words = new Map(shown.map(study => [study.name, JSON.stringify(study)]));
    refill(this.body, shown.map(study => {
      const old = known.get(study.name);
      return old && this.drawn.get(old) === words.get(study.name) ? old : this.line(study);
    }));
    for (const line of this.body.children) this.drawn.set(line, words.get(line.dataset.key));
    this.place.hidden = !this.studies.size;
    refill(this.summary, this.studies.size
      ? shown.length === this.studies.size ? `${count(shown.length)} ${shown.length === 1 ? 'study' : 'studies'}`
        : `${count(shown.length)} of ${count(this.studies.size)} studies`
      : nothing('This store has no studies yet; needletail run or needletail study submit adds one.'));
  }

  line(study) {
    const box = h('input', {
      type: 'checkbox', checked: this.chosen.has(study.name), 'aria-label': `Compare ${study.name}`,
      onchange: () => {
        if (box.checked) this.chosen.add(study.name); else this.chosen.delete(study.name);
        this.compare.hidden = this.chosen.size < 2;
        this.compare.href = `/compare?${new URLSearchParams([...this.chosen].map(one => ['study', one]))}`;
      },
    });
    const { trials } = study, finished = trials.completed + trials.pruned + trials.failed;
    const all = { ...trials, running: trials.running - study.interrupted, interrupted: study.interrupted };
    const counts = ['completed', 'running', 'interrupted', 'waiting', 'pruned', 'failed'].filter(state => all[state])
      .map(state => h('span', { class: 'count' }, stateBadge(state), ` ${count(all[state])}`));
    const isLimited = Number.isInteger(study.budget) && study.budget > 0;
    return h('tr', { 'data-key': study.name },
      h('td', {}, box), h('th', { scope: 'row', class: 'long' }, studyLink(study.name)),
      h('td', { class: 'number' }, study.best_trial === null ? '–'
        : h('a', { href: trialAddress(study.name, study.best_trial) }, number(study.best_value))),
      h('td', {}, counts.length ? counts : 'no trials yet',
        isLimited ? h('progress', { max: String(study.budget), value: Math.min(finished, study.budget), 'aria-label': `${finished} of ${study.budget} trials finished` }) : null),
      h('td', {}, h('span', { class: `control ${study.status}` }, study.status.replaceAll('_', ' '))),
      h('td', {}, study.directions.join(', ')));
  }
}
