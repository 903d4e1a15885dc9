// Figures that the coordinator draws: fetched when they come into sight, with data under the pointer.
import { get, getText } from './api.js';
import { clock, h, name, redraw, refill, toast } from './dom.js';

const titles = {
  history: 'Optimization history', intermediate: 'Intermediate values', parallel: 'Parallel coordinates',
  slice: 'Slices', contour: 'Contours', importances: 'Importance of the parameters', matters: 'What mattered when', rank: 'Ranks',
  edf: 'Empirical distribution', pareto: 'Pareto front', hypervolume: 'Hypervolume history',
  timeline: 'Timeline', attempts: 'Lost and repeated attempts', parallelism: 'Regret of parallelism', rungs: 'Pruning rungs',
};

/** A figure at an address of the API, which is read again when `stale` is called. */
export class Figure {
  constructor(kind, address, signal, names = () => []) {
    this.address = address;
    this.names = names;
    /** The parameters that were chosen. @type {Set<string> | undefined} */
    this.picked = undefined;
    this.signal = signal;
    this.kind = kind;
    this.place = h('div', { class: 'figure' }, h('p', { class: 'quiet' }, `${titles[kind]}: not drawn yet.`));
    // It is drawn less often than the rest of the page changes, so it says of which moment it is.
    this.moment = h('small', { class: 'quiet' });
    this.node = h('section', { class: 'card plot', 'aria-label': titles[kind], 'data-kind': kind },
      h('div', { class: 'row end' }, h('h3', { class: 'hidden' }, titles[kind]), this.moment,
        h('span', { class: 'row' }, this.picker(),
          h('button', { type: 'button', class: 'small', onclick: () => this.save('svg') }, 'SVG'),
          h('button', { type: 'button', class: 'small', onclick: () => this.save('data') }, 'Data'))),
      this.place);
    this.isStale = true;
    this.watcher = new IntersectionObserver(seen => {
      this.isSeen = seen.at(-1).isIntersecting;
      if (this.isSeen) this.load();
    }, { rootMargin: '300px' });
    this.watcher.observe(this.node);
    signal.addEventListener('abort', () => this.watcher.disconnect());
  }

  /** The address of what is drawn, with the parameters that were chosen. */
  get chosen() {
    const words = [...this.picked ?? []].map(one => `parameter=${encodeURIComponent(one)}`);
    return words.length ? `${this.address}${this.address.includes('?') ? '&' : '?'}${words.join('&')}` : this.address;
  }

  /** Where parameters are chosen, of figures that show several; made when it is opened. */
  picker() {
    if (!['slice', 'contour', 'parallel', 'rank'].includes(this.kind)) return null;
    const list = h('div', { class: 'choices' });
    const details = h('details', {
      class: 'picker', ontoggle: () => {
        if (!details.open) return;
        refill(list, this.names().slice(0, 200).map(one => {
          const box = h('input', {
            type: 'checkbox', value: one, checked: this.picked?.has(one) ?? false, onchange: () => {
              this.picked ??= new Set();
              if (box.checked) this.picked.add(one); else this.picked.delete(one);
              this.isStale = true;
              this.load();
            },
          });
          return h('label', { 'data-key': one }, box, name(one));
        }));
      },
    }, h('summary', {}, 'Parameters'), list);
    return details;
  }

  /** What is drawn is no longer true; it is drawn anew, but not all the time. */
  stale() {
    this.isStale = true;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.isSeen && !document.hidden && !this.isHeld()) this.load();
      else if (this.isStale && this.isSeen) this.stale();
    }, 5000);
  }

  /** Whether the reader looks at a trial's data in it, has chosen something, or is in it with the keyboard. */
  isHeld() {
    return this.place.matches(':hover') || this.place.contains(document.activeElement)
      || (!getSelection().isCollapsed && this.place.contains(getSelection().anchorNode));
  }

  async load() {
    if (!this.isStale || this.isLoading || this.signal.aborted) return;
    this.isStale = false;
    this.isLoading = true;
    try {
      // Figures with a panel for each parameter need room; the coordinator chooses how much.
      const isWide = ['slice', 'contour', 'rank'].includes(this.kind) && (this.picked?.size || this.names().length) > 3;
      this.node.classList.toggle('wide', isWide);
      const width = Math.min(1400, Math.max(360, Math.round(this.place.clientWidth || 640)));
      const size = isWide ? '' : `&width=${width}`;
      await import('/assets/figure.js');
      const asked = Date.now() / 1000;
      const address = this.chosen;
      const text = await getText(`${address}${address.includes('?') ? '&' : '?'}format=html${size}`, this.signal);
      // Chosen anew meanwhile: what came is of the choice before.
      if (address !== this.chosen) this.isStale = true;
      // Parsed apart from this page: nothing in it is run or loaded.
      const found = new DOMParser().parseFromString(text, 'text/html').querySelector('figure');
      if (!found) throw new Error('The figure cannot be read.');
      redraw(() => {
        if (this.node.dataset.ready && !this.picked && this.isHeld()) return this.stale();
        this.place.replaceChildren(document.adoptNode(found));
        globalThis.needletailFigure(found);
        refill(this.moment, `as of ${clock(asked)}`);
        this.node.dataset.ready = 'yes';
      });
    } catch (error) {
      if (error.name !== 'AbortError') redraw(() => this.place.replaceChildren(h('p', { class: 'nothing' }, error.message)));
    } finally {
      this.isLoading = false;
      if (this.picked && this.isStale && this.isSeen && !this.timer) this.load();
    }
  }

  async save(format) {
    try {
      const address = `${this.chosen}${this.chosen.includes('?') ? '&' : '?'}format=${format}`;
      const isPicture = format === 'svg';
      const body = isPicture ? await getText(address) : JSON.stringify(await get(address));
      const link = h('a', {
        href: URL.createObjectURL(new Blob([body], { type: isPicture ? 'image/svg+xml' : 'application/json' })),
        download: `${this.kind}.${isPicture ? 'svg' : 'json'}`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch (error) {
      toast(error.message);
    }
  }
}
