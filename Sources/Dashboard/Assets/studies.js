// All studies with their counts and best values, as they change.
import { follow, get } from './api.js';
import { count, h, nothing, number, stateBadge, studyLink, trialAddress } from './dom.js';

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
    this.lines = new Map();
    this.summary = h('p', { class: 'quiet', role: 'status' });
    this.search = h('input', { type: 'search', id: 'study-search', placeholder: 'part of a name', autocomplete: 'off', oninput: () => this.draw() });
    this.compare = h('a', { class: 'button', href: '/compare', hidden: true }, 'Compare');
    this.place = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Studies' },
      h('table', { class: 'studies' }, h('caption', { class: 'hidden' }, 'Studies'), h('thead', {}, h('tr', {},
        ['', 'study', 'best value', 'trials', 'control', 'objectives'].map((head, i) =>
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
    this.draw();
  }

  draw() {
    const wanted = this.search.value.trim().toLowerCase();
    const shown = [...this.studies.values()].filter(study => study.name.toLowerCase().includes(wanted));
    const lines = shown.map(study => {
      const known = this.lines.get(study.name), words = JSON.stringify(study);
      if (known?.words === words) return known.line;
      const line = this.line(study);
      this.lines.set(study.name, { words, line });
      return line;
    });
    // Only what changed is touched, so that the focus stays.
    const present = new Set(lines);
    for (const old of [...this.body.children]) if (!present.has(old)) old.remove();
    lines.forEach((line, i) => { if (this.body.children[i] !== line) this.body.insertBefore(line, this.body.children[i] ?? null); });
    this.place.hidden = !this.studies.size;
    this.summary.replaceChildren(this.studies.size
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
    const counts = ['completed', 'running', 'waiting', 'pruned', 'failed'].filter(state => trials[state])
      .map(state => h('span', { class: 'count' }, stateBadge(state), ` ${count(trials[state])}`));
    const isLimited = Number.isInteger(study.limit) && study.limit > 0;
    return h('tr', {},
      h('td', {}, box), h('th', { scope: 'row', class: 'long' }, studyLink(study.name)),
      h('td', { class: 'number' }, study.best_trial === null ? '–'
        : h('a', { href: trialAddress(study.name, study.best_trial) }, number(study.best_value))),
      h('td', {}, counts.length ? counts : 'no trials yet',
        isLimited ? h('progress', { max: String(study.limit), value: Math.min(finished, study.limit), 'aria-label': `${finished} of ${study.limit} trials finished` }) : null),
      h('td', {}, h('span', { class: `control ${study.control}` }, study.control)),
      h('td', {}, study.directions.join(', ')));
  }
}
