// Drawings on canvas: the history of a study, which grows while one looks, and curves of reports.
import { h, number, redraw, states } from './dom.js';

const tip = document.getElementById('tip');
const dark = matchMedia('(prefers-color-scheme: dark)');
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Round numbers between two ends. */
export function ticks(low, high, most, isLog, isWhole) {
  const found = [];
  if (isLog && high / low > 8) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const digits = last - first > 3 ? [1] : [1, 2, 5];
    const step = Math.max(1, Math.ceil((last - first) * digits.length / most / digits.length));
    for (let e = first; e <= last; e += step)
      for (const digit of digits) found.push(parseFloat(`${digit}e${e}`));
  } else {
    const rough = (high - low) / Math.max(most, 1), unit = 10 ** Math.floor(Math.log10(rough));
    const lead = rough / unit;
    let step = unit * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
    if (isWhole) step = Math.max(1, step);
    for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-12) && found.length < 50; i++)
      found.push(parseFloat((i * step).toPrecision(12)));
  }
  return found.filter(tick => tick >= low && tick <= high);
}

/** A canvas that is as wide as its place and as sharp as the screen, drawn at most once a frame. */
class Drawing {
  constructor(height, label) {
    this.height = height;
    this.canvas = h('canvas', { role: 'img', tabindex: '0', 'aria-label': label });
    this.canvas.style.height = `${height}px`;
    this.node = h('div', { class: 'chart' }, this.canvas);
    /** Called when it was drawn anew. @type {(() => void) | undefined} */
    this.onDrawn = undefined;
    this.repaint = () => { if (this.node.isConnected) this.paint(); };
    new ResizeObserver(() => this.later()).observe(this.node);
    dark.addEventListener('change', () => this.later());
    this.canvas.addEventListener('pointermove', event => this.point(event));
    this.canvas.addEventListener('pointerleave', () => this.hide());
    this.canvas.addEventListener('blur', () => this.hide());
  }

  later() { redraw(this.repaint); }

  paint() {
    const width = this.node.clientWidth, scale = devicePixelRatio || 1;
    if (!width) return;
    this.width = width;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(this.height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(this.height * scale);
    }
    const pen = this.canvas.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, this.height);
    pen.font = '12px system-ui, sans-serif';
    this.draw(pen, width, this.height);
  }

  /**
   * What is in it; each kind of drawing has its own.
   * @param {CanvasRenderingContext2D} _pen @param {number} _width @param {number} _height
   */
  draw(_pen, _width, _height) {}

  /** Axes with their numbers; returns the places of values. */
  axes(pen, width, height, x, y, bottom) {
    const marks = ticks(y.low, y.high, Math.max(2, Math.floor(height / 48)), y.isLog);
    const words = marks.map(mark => number(mark, 5));
    const left = Math.max(30, ...words.map(word => pen.measureText(word).width)) + 12;
    const area = { x: left, y: 10, w: width - left - 12, h: height - bottom - 10 };
    const log = Math.log10, place = y.isLog
      ? value => (log(value) - log(y.low)) / (log(y.high) - log(y.low))
      : value => (value - y.low) / (y.high - y.low);
    const across = value => area.x + (value - x.low) / (x.high - x.low) * area.w;
    const down = value => area.y + (1 - place(value)) * area.h;
    pen.textBaseline = 'middle';
    pen.textAlign = 'right';
    marks.forEach((mark, i) => {
      pen.fillStyle = colour('grid');
      pen.fillRect(area.x, Math.round(down(mark)), area.w, 1);
      pen.fillStyle = colour('soft');
      pen.fillText(words[i], area.x - 8, down(mark));
    });
    pen.textAlign = 'center';
    pen.textBaseline = 'top';
    for (const mark of ticks(x.low, x.high, Math.max(2, Math.floor(width / 90)), false, true)) {
      const word = number(mark);
      // The last one is not cut off.
      pen.fillText(word, Math.min(across(mark), width - pen.measureText(word).width / 2 - 1), height - 30);
    }
    pen.fillStyle = colour('edge');
    pen.fillRect(area.x, height - 34, area.w, 1);
    pen.fillStyle = colour('soft');
    pen.fillText(x.name, area.x + area.w / 2, height - 14);
    return { area, across, down };
  }

  show(spot, rows, event) {
    const box = this.canvas.getBoundingClientRect();
    this.spot = spot;
    this.later();
    const table = h('table', {}, rows.map(([head, text]) =>
      h('tr', {}, h('th', { scope: 'row' }, head), h('td', {}, text))));
    tip.replaceChildren(table);
    tip.hidden = false;
    const px = event ? event.clientX : box.left + spot.x, py = event ? event.clientY : box.top + spot.y;
    const left = px + 16 + tip.offsetWidth > innerWidth ? px - tip.offsetWidth - 16 : px + 16;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, Math.min(py + 16, innerHeight - tip.offsetHeight - 4))}px`;
  }

  hide() {
    if (!this.spot) return;
    this.spot = undefined;
    tip.hidden = true;
    this.later();
  }

  ring(pen) {
    if (!this.spot) return;
    pen.strokeStyle = colour('fg');
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(this.spot.x, this.spot.y, 6, 0, 7);
    pen.stroke();
  }

  /** Shows what is below the pointer. @param {MouseEvent} _event */
  point(_event) {}
}

/** The values of the trials by number, with the best so far. */
export class History extends Drawing {
  /**
   * `data` is the answer of `series`; `open` is called with the number of a trial that is chosen.
   */
  constructor(data, objective, open) {
    super(320, '');
    this.objective = objective;
    this.open = open;
    /** Whether the scale is to be logarithmic; undefined where the values decide. @type {boolean | undefined} */
    this.isLogAsked = undefined;
    this.hidesEnded = false;
    /** What is told of a trial beside its value, as rows. @type {((trial: number) => Promise<any[]>) | undefined} */
    this.describe = undefined;
    /** By trial. @type {Map<number, any[]> | undefined} */
    this.details = undefined;
    this.read(data);
    this.canvas.addEventListener('click', () => { if (this.spot) this.open(this.spot.number); });
    this.canvas.addEventListener('keydown', event => this.key(event));
  }

  /** Takes all trials anew. */
  read(data) {
    this.isMaximized = data.directions[this.objective] === 'maximize';
    this.numbers = data.numbers ?? Array.from(data.states, (_, i) => i);
    this.letters = [...data.states];
    this.values = data.values[this.objective].slice();
    this.places = data.numbers && new Map(data.numbers.map((n, i) => [n, i]));
    this.isThinned = data.numbers !== null;
    this.total = data.total;
    this.later();
  }

  /** Takes rows that are new or have changed. */
  update(rows, total) {
    this.total = total;
    for (const [n, letter, values] of rows) {
      const value = typeof values[this.objective] === 'number' && (letter === 'c' || letter === 'i')
        ? values[this.objective] : null;
      let place = this.places ? this.places.get(n) : n;
      if (place === undefined || place >= this.numbers.length) {
        // Numbers between that no trial has are failed trials.
        while (!this.places && this.numbers.length < n) this.add(this.numbers.length, 'f', null);
        place = this.numbers.length;
        this.add(n, letter, value);
      } else {
        this.letters[place] = letter;
        this.values[place] = value;
      }
    }
    this.later();
  }

  add(n, letter, value) {
    this.places?.set(n, this.numbers.length);
    this.numbers.push(n);
    this.letters.push(letter);
    this.values.push(value);
  }

  draw(pen, width, height) {
    const { numbers, letters, values } = this;
    let low = Infinity, high = -Infinity, missing = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === null) {
        if (letters[i] === 'c' || letters[i] === 'i') missing++;
        continue;
      }
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const counts = {};
    for (const letter of letters) counts[letter] = (counts[letter] ?? 0) + 1;
    this.missing = missing;
    if (low > high) {
      this.why = !letters.length ? 'The study has no trials yet.'
        : missing ? 'No completed trial has a finite value, so there is nothing to draw.'
          : 'No trial has completed, so there is no value to show.';
      this.hits = [];
      this.canvas.setAttribute('aria-label', this.why);
      pen.fillStyle = colour('soft');
      pen.textAlign = 'center';
      pen.font = '14px system-ui, sans-serif';
      wrap(pen, this.why, width / 2, height / 2, width - 40);
      this.onDrawn?.();
      return;
    }
    const isLog = low > 0 && (this.isLogAsked ?? (!this.isMaximized && high / low > 100));
    if (low === high) {
      const margin = Math.abs(low) * 0.1 || 1;
      [low, high] = [low - margin, high + margin];
    } else if (isLog) {
      const margin = (high / low) ** 0.04;
      [low, high] = [low / margin, high * margin];
    } else {
      const margin = (high - low) * 0.05;
      [low, high] = [low - margin, high + margin];
    }
    const last = Math.max(1, numbers.at(-1), this.total - 1);
    const { across, down } = this.axes(pen, width, height,
      { low: -last * 0.01, high: last * 1.01, name: 'trial' }, { low, high, isLog }, 56);
    const few = values.length <= 60 ? 4 : values.length <= 400 ? 3 : values.length <= 2500 ? 2.2 : 1.5;
    // Strokes for what has no value to compare.
    /** @type {Record<string, [string, number]>} */
    const rug = { p: ['orange', 0], f: ['purple', 6], r: ['green', 0] };
    for (const [letter, [ink, lane]] of this.hidesEnded ? [] : Object.entries(rug)) {
      pen.fillStyle = colour(ink);
      for (let i = 0; i < letters.length; i++)
        if (letters[i] === letter) pen.fillRect(across(numbers[i]) - 0.75, height - 46 + lane, 1.5, 5);
    }
    this.hits = [];
    let best = null, bestPlace = -1;
    const line = [];
    pen.fillStyle = colour('blue');
    pen.globalAlpha = values.length <= 400 ? 0.8 : values.length <= 2500 ? 0.6 : 0.45;
    pen.beginPath();
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === null) continue;
      const x = across(numbers[i]), y = down(value);
      this.hits.push(x, y, i);
      if (letters[i] !== 'c') continue;
      if (few < 2) pen.rect(x - few, y - few, 2 * few, 2 * few);
      else {
        pen.moveTo(x + few, y);
        pen.arc(x, y, few, 0, 7);
      }
      if (best === null || (this.isMaximized ? value > best : value < best)) {
        if (best !== null) line.push([x, down(best)]);
        line.push([x, y]);
        best = value;
        bestPlace = i;
      }
    }
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = colour('muted');
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (let i = 0; i < values.length; i++) {
      if (letters[i] !== 'i' || values[i] === null) continue;
      const x = across(numbers[i]), y = down(values[i]);
      pen.moveTo(x - 3, y - 3); pen.lineTo(x + 3, y + 3);
      pen.moveTo(x + 3, y - 3); pen.lineTo(x - 3, y + 3);
    }
    pen.stroke();
    if (line.length) {
      line.push([across(last), down(best)]);
      pen.strokeStyle = colour('vermillion');
      pen.lineWidth = 2;
      pen.lineJoin = 'round';
      pen.beginPath();
      line.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
      pen.stroke();
      pen.fillStyle = colour('vermillion');
      pen.beginPath();
      pen.arc(across(numbers[bestPlace]), down(best), few + 2, 0, 7);
      pen.fill();
    }
    this.ring(pen);
    this.counts = counts;
    const label = `Values of ${number(this.total)} trials`
      + (best === null ? '' : `; the best is ${number(best)} in trial ${numbers[bestPlace]}`)
      + '. With the arrow keys one goes through them, Enter opens one.';
    if (this.canvas.getAttribute('aria-label') !== label) this.canvas.setAttribute('aria-label', label);
    this.onDrawn?.();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = -1, least = 400;
    const hits = this.hits ?? [];
    for (let i = 0; i < hits.length; i += 3) {
      const far = (hits[i] - x) ** 2 + (hits[i + 1] - y) ** 2;
      if (far < least) { least = far; best = i; }
    }
    if (best < 0) this.hide(); else this.choose(best, event);
  }

  choose(hit, event) {
    const place = this.hits[hit + 2];
    const trial = this.numbers[place], known = this.details?.get(trial) ?? [];
    this.show({ x: this.hits[hit], y: this.hits[hit + 1], number: trial, hit }, [
      ['trial', String(trial)], ['state', states[this.letters[place]]],
      ['value', number(this.values[place], 8)], ...known], event);
    if (this.details?.has(trial)) return;
    // The parameters are read when the pointer rests.
    clearTimeout(this.reading);
    this.reading = setTimeout(async () => {
      const rows = await this.describe?.(trial);
      if (!rows) return;
      this.details ??= new Map();
      if (this.details.size > 500) this.details.clear();
      this.details.set(trial, rows);
      if (this.spot?.number === trial) this.choose(hit, event);
    }, 80);
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (event.key === 'Enter' && this.spot) this.open(this.spot.number);
    else if (event.key === 'Escape') this.hide();
    else if (step && this.hits?.length) {
      event.preventDefault();
      const most = this.hits.length / 3 - 1;
      const at = this.spot ? this.spot.hit / 3 + step : step > 0 ? 0 : most;
      this.choose(Math.max(0, Math.min(most, at)) * 3);
    }
  }
}

/** A curve of values by step, or several. */
export class Curve extends Drawing {
  constructor(curves) {
    super(240, 'Reported values by step');
    this.read(curves);
  }

  /** Each is a list of points and an ink. */
  read(curves) {
    this.curves = curves.map(({ points, ink }) =>
      ({ ink, points: points.filter(([, value]) => typeof value === 'number') }));
    this.left = curves.reduce((sum, curve, i) => sum + curve.points.length - this.curves[i].points.length, 0);
    this.later();
  }

  draw(pen, width, height) {
    const all = this.curves.flatMap(curve => curve.points);
    this.hits = [];
    if (!all.length) {
      pen.fillStyle = colour('soft');
      pen.textAlign = 'center';
      wrap(pen, this.left ? 'No reported value is finite.' : 'Nothing was reported.', width / 2, height / 2, width - 40);
      return;
    }
    let low = Infinity, high = -Infinity, first = Infinity, last = -Infinity;
    for (const [step, value] of all) {
      low = Math.min(low, value); high = Math.max(high, value);
      first = Math.min(first, step); last = Math.max(last, step);
    }
    const margin = (high - low) * 0.06 || Math.abs(low) * 0.1 || 1, room = (last - first) * 0.02 || 0.5;
    const { across, down } = this.axes(pen, width, height,
      { low: first - room, high: last + room, name: 'step' }, { low: low - margin, high: high + margin }, 44);
    for (const { points, ink } of this.curves) {
      pen.strokeStyle = pen.fillStyle = colour(ink);
      pen.lineWidth = 2;
      pen.beginPath();
      points.forEach(([step, value], i) => {
        const x = across(step), y = down(value);
        if (i) pen.lineTo(x, y); else pen.moveTo(x, y);
        this.hits.push([x, y, step, value]);
      });
      pen.stroke();
      if (points.length <= 100) for (const [step, value] of points) {
        pen.beginPath();
        pen.arc(across(step), down(value), 3, 0, 7);
        pen.fill();
      }
    }
    this.ring(pen);
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, least = 900;
    for (const hit of this.hits ?? []) {
      const far = (hit[0] - x) ** 2 + (hit[1] - y) ** 2;
      if (far < least) { least = far; best = hit; }
    }
    if (!best) this.hide();
    else this.show({ x: best[0], y: best[1] }, [['step', number(best[2])], ['value', number(best[3], 8)]], event);
  }
}

/** A sentence on as many lines as it needs. */
function wrap(pen, text, x, y, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trim();
    if (pen.measureText(line).width > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  lines.forEach((line, i) => pen.fillText(line, x, y + (i - (lines.length - 1) / 2) * 20));
}
