// The table of trials: the rows that are in sight are asked for, whatever the number of trials.
import { get, studyPath } from './api.js';
import { h, name, number, value, duration, moment, count, stateBadge, states, trialAddress } from './dom.js';

const rowHeight = 34, pageSize = 100, mostParameters = 40;
const stateNames = ['completed', 'running', 'waiting', 'pruned', 'failed'];

export class TrialTable {
  constructor(study, data, signal) {
    this.study = study;
    this.signal = signal;
    this.directions = data.directions;
    this.metrics = data.status.metrics;
    this.parameters = data.parameters;
    this.total = this.matching = data.total;
    this.sort = 'number';
    this.isDescending = true;
    this.states = new Set();
    this.search = '';
    // Rows by number where order and number are one, else by place.
    this.rows = new Map();
    this.asked = new Set();
    this.build();
  }

  /** Whether rows stand in the order of their numbers, all of them. */
  get isDirect() { return this.sort === 'number' && !this.states.size && !this.search; }

  build() {
    this.summary = h('p', { class: 'quiet', role: 'status' });
    this.head = h('tr', { 'aria-rowindex': '1' });
    this.body = h('tbody', {});
    this.grid = h('table', { class: 'trials', 'aria-label': 'Trials' }, h('thead', {}, this.head), this.body);
    this.view = h('div', {
      class: 'scroll trials', tabindex: '0', role: 'region', 'aria-label': 'Trials, scrollable',
      onscroll: () => this.later(),
    }, this.grid);
    let typing;
    const search = h('input', {
      type: 'search', id: 'search', placeholder: 'number, text, rate<0.1 …', autocomplete: 'off', spellcheck: 'false',
      oninput: () => {
        clearTimeout(typing);
        typing = setTimeout(() => { this.search = search.value.trim(); this.reset(); }, 150);
      },
    });
    const filters = stateNames.map(state => {
      const box = h('input', {
        type: 'checkbox', value: state, onchange: () => {
          if (box.checked) this.states.add(state); else this.states.delete(state);
          this.reset();
        },
      });
      return h('label', { class: 'filter' }, box, stateBadge(state));
    });
    this.node = h('section', { class: 'card', 'aria-labelledby': 'trials-title' },
      h('h2', { id: 'trials-title' }, 'Trials'),
      h('div', { class: 'row tools' },
        h('label', { class: 'search', for: 'search' }, h('span', {}, 'Search'), search),
        h('fieldset', { class: 'row' }, h('legend', { class: 'hidden' }, 'States'), filters)),
      this.summary, this.view);
    new ResizeObserver(() => this.later()).observe(this.view);
    this.drawHead();
  }

  columns() {
    const values = this.directions.map((_, i) => ({
      key: i ? `value_${i}` : 'value', label: this.metrics[i] ?? (i || this.directions.length > 1 ? `value ${i}` : 'value'),
      cell: row => row[2].length ? number(row[2][i]) : '', isNumber: true,
    }));
    const parameters = this.parameters.slice(0, mostParameters).map((parameter, i) => ({
      key: `parameter:${parameter}`, label: parameter, isNumber: true, isOutside: true,
      cell: row => row[7][i] === null || row[7][i] === undefined ? '' : value(row[7][i]),
    }));
    return [
      { key: 'number', label: 'trial', isNumber: true,
        cell: row => h('a', { href: trialAddress(this.study, row[0]) }, String(row[0])) },
      { key: 'state', label: 'state', cell: row => stateBadge(states[row[1]]) },
      ...values, ...parameters,
      { key: 'reports', label: 'reports', isNumber: true, cell: row => row[5] ? count(row[5]) : '' },
      { key: 'duration', label: 'duration', isNumber: true, cell: row => row[4] === null ? '' : duration(row[4]) },
      { key: 'start', label: 'started', cell: row => row[3] === null ? '' : moment(row[3]) },
    ];
  }

  drawHead() {
    this.shown = this.columns();
    this.head.replaceChildren(...this.shown.map(column => h('th', {
      scope: 'col', class: column.isNumber ? 'number' : '',
      'aria-sort': this.sort !== column.key ? 'none' : this.isDescending ? 'descending' : 'ascending',
    }, h('button', {
      type: 'button', title: `Sort by ${column.label}`, onclick: () => {
        this.isDescending = this.sort === column.key ? !this.isDescending
          : column.key === 'number' || (column.key === 'value' && this.directions[0] === 'maximize');
        this.sort = column.key;
        this.drawHead();
        this.reset();
      },
    }, column.isOutside ? name(column.label) : column.label))));
    this.grid.setAttribute('aria-colcount', this.shown.length);
    this.drawn = '';
  }

  /** Shows another selection or order, from the top. */
  reset() {
    this.rows.clear();
    this.asked.clear();
    this.matching = this.isDirect ? this.total : null;
    this.epoch = (this.epoch ?? 0) + 1;
    this.view.scrollTop = 0;
    this.later();
  }

  /** The key in `rows` of what stands at a place. */
  keyAt(place) {
    return !this.isDirect ? place : this.isDescending ? this.total - 1 - place : place;
  }

  /** Takes what an event says. */
  update(event) {
    if (event.parameters) { this.parameters = event.parameters; this.drawHead(); }
    this.total = event.total;
    if (this.isDirect) {
      this.matching = this.total;
      for (const row of event.rows) this.rows.set(row[0], row);
      if (this.rows.size > 5000) this.forget();
      this.drawn = '';
      this.later();
    } else {
      // Which rows fit now, and where, only the coordinator knows.
      this.stale ??= setTimeout(() => {
        this.stale = undefined;
        this.epoch = (this.epoch ?? 0) + 1;
        this.asked.clear();
        this.isStale = true;
        this.later();
      }, 1000);
    }
  }

  /** All is to be read anew. */
  refresh(data) {
    this.parameters = data.parameters;
    this.total = data.total;
    this.drawHead();
    const top = this.view.scrollTop;
    this.reset();
    this.view.scrollTop = top;
  }

  forget() {
    const [first, last] = this.range();
    const kept = new Set();
    for (let place = first; place < last; place++) kept.add(this.keyAt(place));
    for (const key of this.rows.keys()) if (!kept.has(key)) this.rows.delete(key);
    this.asked.clear();
  }

  later() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = undefined; this.draw(); });
  }

  range() {
    const length = this.matching ?? 0, height = this.view.clientHeight || 400;
    const first = Math.max(0, Math.floor(this.view.scrollTop / rowHeight) - 5);
    return [Math.min(first, Math.max(0, length - 1)), Math.min(length, first + Math.ceil(height / rowHeight) + 12)];
  }

  draw() {
    const [first, last] = this.range();
    this.load(first, Math.max(last, first + 1));
    if (this.matching === null) return;
    const missing = [];
    for (let place = first; place < last; place++) if (!this.rows.has(this.keyAt(place))) missing.push(place);
    const state = `${this.epoch} ${first} ${last} ${this.matching} ${missing.length} ${this.loads}`;
    if (state === this.drawn) return;
    this.drawn = state;
    const lines = [h('tr', { class: 'space', 'aria-hidden': 'true' }, h('td', { colspan: this.shown.length }))];
    lines[0].firstChild.style.height = `${first * rowHeight}px`;
    for (let place = first; place < last; place++) {
      const row = this.rows.get(this.keyAt(place));
      lines.push(h('tr', { 'aria-rowindex': place + 2, 'data-trial': row ? row[0] : undefined },
        this.shown.map((column, i) => h(i ? 'td' : 'th', {
          class: column.isNumber ? 'number' : '', scope: i ? undefined : 'row',
        }, row ? column.cell(row) : i ? '' : '…'))));
    }
    const end = h('tr', { class: 'space', 'aria-hidden': 'true' }, h('td', { colspan: this.shown.length }));
    end.firstChild.style.height = `${Math.max(0, this.matching - last) * rowHeight}px`;
    lines.push(end);
    // What has the focus keeps it.
    const focused = document.activeElement?.closest('tr[data-trial]')?.getAttribute('data-trial');
    this.body.replaceChildren(...lines);
    if (focused) this.body.querySelector(`tr[data-trial="${focused}"] a`)?.focus({ preventScroll: true });
    this.grid.setAttribute('aria-rowcount', this.matching + 1);
    this.say();
  }

  say() {
    const hidden = this.parameters.length - mostParameters;
    const words = !this.total ? 'There are no trials yet.'
      : !this.matching ? 'No trial fits what is asked for.'
        : this.matching === this.total ? `${count(this.total)} ${this.total === 1 ? 'trial' : 'trials'}`
          : `${count(this.matching)} of ${count(this.total)} trials`;
    const more = hidden > 0 ? ` · ${hidden} more parameters on the trials' own pages` : '';
    if (this.summary.textContent !== words + more) this.summary.textContent = words + more;
  }

  /** Asks for the rows of these places that are not known. */
  async load(first, last) {
    if (this.isDirect && !this.total) { this.matching = 0; return; }
    const start = Math.floor(first / pageSize), end = Math.floor((last - 1) / pageSize);
    for (let page = start; page <= end; page++) {
      if (this.isDirect) {
        const isKnown = Array.from({ length: last - first }, (_, i) => first + i)
          .filter(place => Math.floor(place / pageSize) === page && place < this.total)
          .every(place => this.rows.has(this.keyAt(place)));
        if (isKnown) continue;
      }
      const mark = `${this.epoch} ${page} ${this.isDirect ? this.total : ''}`;
      if (this.asked.has(mark)) continue;
      this.asked.add(mark);
      this.fetch(page, this.epoch).catch(error => {
        if (error.name === 'AbortError') return;
        this.summary.textContent = error.message;
      });
    }
  }

  async fetch(page, epoch) {
    const query = new URLSearchParams({
      sort: this.sort, order: this.isDescending ? 'descending' : 'ascending',
      offset: String(page * pageSize), limit: String(pageSize),
    });
    if (this.states.size) query.set('state', [...this.states].join(','));
    if (this.search) query.set('search', this.search);
    const isDirect = this.isDirect;
    const answer = await get(studyPath(this.study, `/table?${query}`), this.signal);
    if (epoch !== this.epoch) return;
    if (this.isStale) { this.rows.clear(); this.isStale = false; }
    if (answer.parameters.length > this.parameters.length) {
      this.parameters = answer.parameters;
      this.drawHead();
    }
    this.matching = isDirect ? this.total : answer.matching;
    answer.rows.forEach((row, i) => this.rows.set(isDirect ? row[0] : answer.offset + i, row));
    this.loads = (this.loads ?? 0) + 1;
    this.later();
  }
}
