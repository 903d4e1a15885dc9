// The table of trials: the rows that are in sight are asked for, whatever the number of trials.
import { get, isAfter, studyPath } from './api.js';
import { h, name, redraw, refill, number, value, duration, moment, count, stateBadge, states, trialAddress } from './dom.js';

const rowHeight = 34, pageSize = 100, mostParameters = 40;
const stateNames = ['completed', 'running', 'waiting', 'pruned', 'failed'];

/** A cell of a table that programs read. */
const plain = any => any === null || any === undefined ? '' : typeof any === 'object' ? JSON.stringify(any) : String(any);

/** How many letters must be changed to make one word the other: Wagner and Fischer (1974). */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

export class TrialTable {
  constructor(study, data, signal) {
    this.study = study;
    this.signal = signal;
    this.directions = data.directions;
    this.metrics = data.status.metrics;
    this.parameters = data.parameters;
    this.total = data.total;
    this.sort = 'number';
    this.isDescending = true;
    this.states = new Set();
    this.search = '';
    // Columns that are not shown, by key.
    this.hiddenColumns = new Set();
    // Rows by number where order and number are one, else by place.
    this.rows = new Map();
    // The event that a row came with, by number.
    this.news = new Map();
    this.asked = new Set();
    this.epoch = 0;
    this.counts = data.counts;
    this.redraw = () => this.draw();
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
      'aria-describedby': 'search-hint', oninput: () => {
        clearTimeout(typing);
        typing = setTimeout(() => this.find(search.value), 150);
      },
    });
    this.field = search;
    this.hint = h('p', { class: 'quiet', id: 'search-hint', role: 'status' });
    this.choices = h('div', { class: 'choices' });
    const columns = h('details', { class: 'picker', ontoggle: () => { if (columns.open) this.drawChoices(); } },
      h('summary', {}, 'Columns'), this.choices);
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
        h('fieldset', { class: 'row' }, h('legend', { class: 'hidden' }, 'States'), filters), columns,
        h('button', { type: 'button', class: 'small', 'data-action': 'csv', onclick: () => this.save() }, 'CSV')),
      this.hint, this.summary, this.view);
    // What is marked in the figures is searched for.
    document.addEventListener('needletailmarks', (/** @type {any} */ event) => this.follow(event.detail), { signal: this.signal });
    new ResizeObserver(() => this.later()).observe(this.view);
    this.drawHead();
  }

  /** Searches for words that must all fit. */
  find(text) {
    this.search = text.trim();
    this.hint.textContent = this.unknown(this.search) ?? '';
    this.reset();
  }

  /** The sentence on a name in a search that the study does not have. */
  unknown(search) {
    const known = ['value', 'number', 'trial', 'duration', 'seconds', 'reports', 'state',
      ...this.directions.map((_, i) => `value_${i}`), ...this.parameters];
    for (const word of search.match(/"[^"]*"[^\s]*|[^\s]+/g) ?? []) {
      const found = /^"?([^<>=!"]+)"?[<>=!]/.exec(word)?.[1];
      if (!found || known.some(one => one === found || one.toLowerCase() === found.toLowerCase())) continue;
      const near = known.map(one => [distance(one.toLowerCase(), found.toLowerCase()), one]).sort((a, b) => a[0] - b[0])[0];
      return `No trial has '${found}'${near[0] <= Math.max(2, found.length / 3) ? `; did you mean '${near[1]}'?` : '.'}`;
    }
    return null;
  }

  /** Searches for what is marked in the figures: `marks` has a range, or texts, by column. */
  follow(marks) {
    const words = Object.entries(marks).flatMap(([column, { low, high, texts, isInteger }]) => {
      const own = column === 'trial' ? 'number' : column.replace(/^parameter_/, '');
      const quoted = /\s/.test(own) ? `"${own}"` : own;
      if (texts) return [`${quoted}=${texts.some(text => /\s/.test(text)) ? `"${texts.join('|')}"` : texts.join('|')}`];
      const [from, to] = isInteger ? [Math.ceil(low), Math.floor(high)] : [low, high].map(one => parseFloat(one.toPrecision(6)));
      return [`${quoted}>=${from}`, `${quoted}<=${to}`];
    });
    // Words that were typed stay.
    const typed = (this.field.value.match(/"[^"]*"[^\s]*|[^\s]+/g) ?? []).filter(word => !(this.followed ?? []).includes(word));
    this.followed = words;
    this.field.value = [...typed, ...words].join(' ');
    this.find(this.field.value);
  }

  drawChoices() {
    refill(this.choices, this.columns(true).slice(1).map(column => {
      const box = h('input', {
        type: 'checkbox', value: column.key, checked: !this.hiddenColumns.has(column.key), onchange: () => {
          if (box.checked) this.hiddenColumns.delete(column.key); else this.hiddenColumns.add(column.key);
          this.drawHead();
          this.later();
        },
      });
      return h('label', { 'data-key': column.key }, box, column.isOutside ? name(column.label) : column.label);
    }));
  }

  /** Saves all rows that fit, with the columns that are shown. */
  async save() {
    const quoted = any => /[",\n\r]/.test(any) ? `"${any.replaceAll('"', '""')}"` : any;
    const lines = [this.shown.map(column => quoted(column.label)).join(',')], size = 1000;
    try {
      for (let offset = 0; ; offset += size) {
        const answer = await get(studyPath(this.study, `/table?${this.query(offset, size)}`), this.signal);
        for (const row of answer.rows) lines.push(this.shown.map(column => quoted(column.text(row))).join(','));
        if (answer.rows.length < size) break;
      }
      const link = h('a', { href: URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/csv' })), download: 'trials.csv' });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch (error) {
      if (error.name !== 'AbortError') this.hint.textContent = error.message;
    }
  }

  columns(all = false) {
    const values = this.directions.map((_, i) => ({
      key: i ? `value_${i}` : 'value', label: this.metrics[i] ?? (i || this.directions.length > 1 ? `value ${i}` : 'value'),
      cell: row => row[2].length ? number(row[2][i]) : '', text: row => plain(row[2][i]), isNumber: true, isValue: true,
    }));
    const parameters = this.parameters.slice(0, all ? undefined : mostParameters).map((parameter, i) => ({
      key: `parameter:${parameter}`, label: parameter, isNumber: true, isOutside: true,
      cell: row => row[7][i] === null || row[7][i] === undefined ? '' : value(row[7][i]),
      text: row => plain(row[7][i]),
    }));
    const columns = [
      { key: 'number', label: 'trial', isNumber: true, text: row => plain(row[0]),
        cell: row => h('a', { href: trialAddress(this.study, row[0]) }, String(row[0])) },
      { key: 'state', label: 'state', cell: row => stateBadge(states[row[1]]), text: row => states[row[1]] },
      ...values, ...parameters,
      { key: 'reports', label: 'reports', isNumber: true, cell: row => row[5] ? count(row[5]) : '', text: row => plain(row[5]) },
      { key: 'duration', label: 'duration', isNumber: true, cell: row => row[4] === null ? '' : duration(row[4]), text: row => plain(row[4]) },
      { key: 'start', label: 'started', cell: row => row[3] === null ? '' : moment(row[3]),
        text: row => row[3] === null ? '' : new Date(row[3] * 1000).toISOString() },
    ];
    return all ? columns : columns.filter(column => !this.hiddenColumns.has(column.key));
  }

  drawHead() {
    this.shown = this.columns();
    refill(this.head, this.shown.map(column => h('th', {
      scope: 'col', 'data-key': column.key, class: column.isNumber ? 'number' : '',
      'aria-sort': this.sort !== column.key ? 'none' : this.isDescending ? 'descending' : 'ascending',
    }, h('button', {
      type: 'button', title: `Sort by ${column.label}${column.isValue ? '; feasible trials come first' : ''}`, onclick: () => {
        this.isDescending = this.sort === column.key ? !this.isDescending
          : column.key === 'number' || (column.key === 'value' && this.directions[0] === 'maximize');
        this.sort = column.key;
        this.drawHead();
        this.reset();
      },
    }, column.isOutside ? name(column.label) : column.label))));
    this.grid.setAttribute('aria-colcount', this.shown.length);
    this.drawnRows = new WeakMap();
  }

  /** Shows another selection or order, from the top. */
  reset() {
    this.rows.clear();
    this.asked.clear();
    this.found = null;
    this.epoch++;
    this.view.scrollTop = 0;
    this.later();
  }

  /** How many trials fit; null while that is not known. Where counts tell it, of the moment that they are of. */
  get matching() {
    if (this.search) return this.found;
    return this.states.size ? [...this.states].reduce((sum, state) => sum + this.counts[state], 0) : this.total;
  }

  /** The key in `rows` of what stands at a place. */
  keyAt(place) {
    return !this.isDirect ? place : this.isDescending ? this.total - 1 - place : place;
  }

  /** Takes what an event says. */
  update(event, id) {
    if (event.parameters) { this.parameters = event.parameters; this.drawHead(); }
    this.total = event.total;
    this.counts = event.counts;
    for (const row of event.rows) this.news.set(row[0], [id, row]);
    if (this.news.size > 5000) this.news.clear();
    if (this.isDirect) {
      for (const row of event.rows) this.rows.set(row[0], row);
      if (this.rows.size > 5000) this.forget();
    } else {
      const fresh = new Map(event.rows.map(row => [row[0], row]));
      for (const [place, row] of this.rows) if (fresh.has(row[0])) this.rows.set(place, fresh.get(row[0]));
      this.askAgain();
    }
    this.later();
  }

  /** Which rows fit now, and where, only the coordinator knows: it is asked now and then, one question at a time. */
  askAgain() {
    this.isStale = true;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (!this.isStale || this.isDirect) return;
      if (this.pending) { this.askAgain(); return; }
      this.isStale = false;
      this.asked.clear();
      this.later();
    }, 1000);
  }

  /** All is to be read anew. */
  refresh(data) {
    this.parameters = data.parameters;
    this.total = data.total;
    this.counts = data.counts;
    this.news.clear();
    this.drawHead();
    this.epoch++;
    this.asked.clear();
    if (this.isDirect) this.rows.clear();
    this.later();
  }

  forget() {
    const [first, last] = this.range();
    const kept = new Set();
    for (let place = first; place < last; place++) kept.add(this.keyAt(place));
    for (const key of this.rows.keys()) if (!kept.has(key)) this.rows.delete(key);
    this.asked.clear();
  }

  later() { redraw(this.redraw); }

  range() {
    const length = this.matching ?? 0, height = this.view.clientHeight || 400;
    const first = Math.max(0, Math.floor(this.view.scrollTop / rowHeight) - 5);
    return [Math.min(first, Math.max(0, length - 1)), Math.min(length, first + Math.ceil(height / rowHeight) + 12)];
  }

  /** Whether the reader is at the rows, so that they stay where they are when others come before them. */
  isHeld() {
    return this.view.scrollTop > 0 || this.view.matches(':hover') || this.view.contains(document.activeElement)
      || (!getSelection().isCollapsed && this.view.contains(getSelection().anchorNode));
  }

  draw() {
    if (this.isDirect && this.isDescending && this.drawnTotal < this.total && this.isHeld()) {
      // First the room, which scrolling needs.
      const end = this.body.lastChild?.firstChild, added = (this.total - this.drawnTotal) * rowHeight;
      if (end) end.style.height = `${parseFloat(end.style.height) + added}px`;
      this.view.scrollTop += added;
    }
    this.drawnTotal = this.isDirect && this.isDescending ? this.total : Infinity;
    const [first, last] = this.range();
    this.load(first, Math.max(last, first + 1));
    if (this.matching === null) {
      refill(this.summary, 'Searching …');
      return;
    }
    const space = (key, height) => {
      const cell = h('td', { colspan: this.shown.length });
      cell.style.height = `${height}px`;
      return h('tr', { class: 'space', 'aria-hidden': 'true', 'data-key': key }, cell);
    };
    const known = new Map([...this.body.children].map(line => [line.dataset.trial, line]));
    const lines = [space('before', first * rowHeight)];
    for (let place = first; place < last; place++) {
      const row = this.rows.get(this.keyAt(place)), old = row && known.get(String(row[0]));
      const isSame = old && this.drawnRows.get(old) === row && old.getAttribute('aria-rowindex') === String(place + 2);
      lines.push(isSame ? old : this.line(place, row));
    }
    lines.push(space('behind', Math.max(0, this.matching - last) * rowHeight));
    refill(this.body, lines);
    // A line that was there took over what the new one has.
    for (const line of this.body.children) {
      const row = line.dataset.trial && this.rows.get(this.keyAt(line.getAttribute('aria-rowindex') - 2));
      if (row) this.drawnRows.set(line, row);
    }
    this.grid.setAttribute('aria-rowcount', this.matching + 1);
    this.say();
  }

  line(place, row) {
    return h('tr', { 'aria-rowindex': String(place + 2), 'data-trial': row ? row[0] : undefined },
      this.shown.map((column, i) => h(i ? 'td' : 'th', {
        'data-key': column.key, class: column.isNumber ? 'number' : '', scope: i ? undefined : 'row',
      }, row ? column.cell(row) : i ? '' : '…')));
  }

  say() {
    const hidden = this.parameters.length - mostParameters;
    const words = !this.total ? 'There are no trials yet.'
      : !this.matching ? 'No trial fits what is asked for.'
        : this.matching === this.total ? `${count(this.total)} ${this.total === 1 ? 'trial' : 'trials'}`
          // What a search found is of the moment that it was made.
          : this.search ? `${count(this.matching)} ${this.matching === 1 ? 'trial fits' : 'trials fit'}`
            : `${count(this.matching)} of ${count(this.total)} trials`;
    const more = hidden > 0 ? ` · ${hidden} more parameters on the trials' own pages` : '';
    refill(this.summary, words + more);
  }

  /** Asks for the rows of these places that are not known. */
  async load(first, last) {
    if (!this.total) return;
    const start = Math.floor(first / pageSize), end = Math.floor((last - 1) / pageSize);
    for (let page = start; page <= end; page++) {
      if (this.isDirect) {
        const isKnown = Array.from({ length: last - first }, (_, i) => first + i)
          .filter(place => Math.floor(place / pageSize) === page && place < this.total)
          .every(place => this.rows.has(this.keyAt(place)));
        if (isKnown) continue;
      }
      const mark = `${page} ${this.isDirect ? this.total : ''}`;
      if (this.asked.has(mark)) continue;
      this.asked.add(mark);
      this.pending = (this.pending ?? 0) + 1;
      this.fetch(page, this.epoch).catch(error => {
        if (error.name === 'AbortError') return;
        refill(this.summary, error.message);
        // Asked again, but not at once.
        setTimeout(() => { this.asked.delete(mark); this.later(); }, 2000);
      }).finally(() => { this.pending--; });
    }
  }

  /** What is asked for: sorted and searched, from a place on. */
  query(offset, limit) {
    const query = new URLSearchParams({
      sort: this.sort, order: this.isDescending ? 'descending' : 'ascending',
      offset: String(offset), limit: String(limit),
    });
    if (this.states.size) query.set('state', [...this.states].join(','));
    if (this.search) query.set('search', this.search);
    return query;
  }

  async fetch(page, epoch) {
    const query = this.query(page * pageSize, pageSize);
    const isDirect = this.isDirect;
    const answer = await get(studyPath(this.study, `/table?${query}`), this.signal);
    if (epoch !== this.epoch) return;
    if (answer.parameters.length > this.parameters.length) {
      this.parameters = answer.parameters;
      this.drawHead();
    }
    if (this.search) this.found = answer.matching;
    if (!isDirect) {
      // Rows of this page that are no longer there.
      for (let place = answer.offset; place < answer.offset + pageSize; place++) this.rows.delete(place);
    }
    answer.rows.forEach((row, i) => {
      // What an event said later is not taken back.
      const [id, news] = this.news.get(row[0]) ?? [];
      this.rows.set(isDirect ? row[0] : answer.offset + i, id && isAfter(id, answer.event) ? news : row);
    });
    this.later();
  }
}
