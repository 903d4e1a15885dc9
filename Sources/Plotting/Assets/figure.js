'use strict';
(() => {
  const tip = document.getElementById('tip'), root = document.documentElement;
  document.getElementById('theme')?.addEventListener('click', () => {
    const isDark = root.dataset.theme ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = isDark ? 'light' : 'dark';
  });
  const make = (name, attributes) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return node;
  };
  const round = number => Math.round(number * 10) / 10;

  // A place on an axis whose pauses are as short as they are drawn, and back.
  const shortened = (axis, value) => (axis.p || []).reduce((place, [from, to, drawn]) =>
    place - Math.min(Math.max((value - from) / (to - from), 0), 1) * (to - from - drawn), value);
  const lengthened = (axis, place) => {
    for (const [from, to, drawn] of axis.p || []) {
      if (place <= from) break;
      if (place < from + drawn) return from + (place - from) / drawn * (to - from);
      place += to - from - drawn;
    }
    return place;
  };
  // The value at a share of an axis, and back.
  const valueAt = (axis, share) => {
    if (axis.k === 'log')
      return 10 ** (Math.log10(axis.a) + share * (Math.log10(axis.b) - Math.log10(axis.a)));
    const [a, b] = [shortened(axis, axis.a), shortened(axis, axis.b)];
    return lengthened(axis, a + share * (b - a));
  };
  const shareOf = (axis, value) => {
    if (axis.k === 'log')
      return (Math.log10(value) - Math.log10(axis.a)) / (Math.log10(axis.b) - Math.log10(axis.a));
    const [a, b] = [shortened(axis, axis.a), shortened(axis, axis.b)];
    return (shortened(axis, value) - a) / (b - a);
  };
  const label = (value, axis) => {
    if (axis.k === 'cat') return axis.c[value];
    if (axis.i) return value.toLocaleString('en').replace('-', '−');
    const size = Math.abs(value);
    const text = size >= 1e6 || (size > 0 && size < 1e-5)
      ? String(parseFloat(value.toPrecision(6)).toExponential()).replace('e+', 'e')
      : String(parseFloat(value.toPrecision(8)));
    return text.replace(/-/g, '−');
  };
  const ticks = (axis, from, to, count) => {
    const low = valueAt(axis, from), high = valueAt(axis, to), found = [];
    if (axis.k === 'cat') {
      for (let i = Math.max(0, Math.ceil(low)); i <= high && i < axis.c.length; i++) found.push(i);
      return found;
    }
    if (axis.k === 'log' && high / low > 8) {
      const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
      const digits = last - first > 4 ? [1] : [1, 2, 5];
      const step = Math.max(1, Math.ceil((last - first) / Math.max(count, 2)));
      for (let e = Math.ceil(first / step) * step; e <= last; e += step)
        for (const digit of digits) found.push(parseFloat(`${digit}e${e}`));
    } else {
      const rough = (high - low) / Math.max(count, 2);
      const unit = 10 ** Math.floor(Math.log10(rough)), lead = rough / unit;
      let step = unit * (lead < 1.2 ? 1 : lead < 2.4 ? 2 : lead < 6 ? 5 : 10);
      if (axis.i) step = high - low <= 3 * count ? 1 : Math.max(1, step);
      for (let i = Math.ceil(low / step); i <= high / step && found.length < 100; i++)
        found.push(parseFloat((i * step).toPrecision(12)));
    }
    return found.filter(value => value >= low && value <= high);
  };

  // A panel's marks as numbers, so that they can be placed anew.
  const readPath = path => {
    const mark = { path, dx: undefined, dy: 0, runs: [], rows: undefined,
      series: path.dataset.s, isRug: path.dataset.rug !== undefined,
      bar: path.dataset.bar === undefined ? 0 : +path.getAttribute('stroke-width') / 2 };
    if (path.dataset.dx !== undefined) { mark.dx = +path.dataset.dx; mark.dy = +path.dataset.dy; }
    for (const part of path.getAttribute('d').split('M').slice(1)) {
      const run = { points: [], tail: '', closed: part.endsWith('Z') };
      if (mark.dx !== undefined || part.endsWith('h0')) {
        const found = /^(-?[\d.]+) (-?[\d.]+)(.*)$/.exec(part);
        run.points.push(+found[1] + (mark.dx || 0), +found[2] + mark.dy);
        run.tail = found[3];
      } else {
        for (const number of part.match(/-?[\d.]+/g) || []) run.points.push(+number);
      }
      mark.runs.push(run);
    }
    if (path.dataset.row !== undefined) {
      const places = path.dataset.row.split(' ').map(Number);
      mark.rows = places.length > 1 ? i => places[i] : i => places[0] + i;
    }
    return mark;
  };
  const readPanel = group => {
    const [x, y, w, h] = group.dataset.box.trim().split(' ').map(Number);
    const panel = { group, x, y, w, h, ax: JSON.parse(group.dataset.x),
      ay: JSON.parse(group.dataset.y), view: { x0: 0, x1: 1, y0: 0, y1: 1 }, marks: [],
      texts: [], hits: [], samples: {} };
    for (const path of group.querySelectorAll(':scope > svg path')) panel.marks.push(readPath(path));
    for (const text of group.querySelectorAll(':scope > svg text'))
      panel.texts.push({ text, x: +text.getAttribute('x'), y: +text.getAttribute('y') });
    for (const name of ['xt', 'yt']) {
      const part = group.querySelector(`:scope > g.${name}`);
      const text = part && part.querySelector('text'), line = part && part.querySelector('path');
      panel.samples[name] = part && { part, text: text && text.cloneNode(false),
        line: line && line.cloneNode(false), stroke: part && [...part.querySelectorAll('path')].pop() };
    }
    panel.canZoom = !!panel.samples.xt;
    panel.uprights = group.dataset.u ? JSON.parse(group.dataset.u) : [];
    return panel;
  };

  // What is marked on the page: by column a range, or of texts a list. All figures follow it, and
  // listeners of the event 'needletailmarks' on the document.
  const marks = new Map(), pictures = new Set(), trials = new Map();
  // What is known of a trial from the tables of all figures: by column its value.
  const keyOf = (study, trial) => (study ? study + '/' : '') + trial;
  const cell = (column, row) => column.levels ? column.levels[column.cells[row]] : column.cells[row];
  const learn = data => {
    const named = name => data.columns.find(column => column.name === name);
    const trial = named('trial'), study = named('study');
    // Rows of reports and of beams say other things of a trial than these.
    if (!trial || !named('state') || named('step') || named('seconds')) return;
    for (let row = 0; row < trial.cells.length; row++) {
      const key = keyOf(study && cell(study, row), trial.cells[row]), known = trials.get(key) || {};
      for (const column of data.columns) {
        const value = cell(column, row);
        if (value !== null && value !== undefined) known[column.name] = value;
      }
      trials.set(key, known);
    }
  };
  const passes = known => {
    for (const [name, mark] of marks) {
      const value = known[name];
      if (mark.texts ? !mark.texts.includes(String(value))
        : !(typeof value === 'number' && value >= mark.low && value <= mark.high)) return false;
    }
    return true;
  };
  const follow = () => {
    for (const picture of pictures) {
      if (picture.svg.isConnected) picture.follow(); else pictures.delete(picture);
    }
    document.dispatchEvent(new CustomEvent('needletailmarks', { detail: Object.fromEntries(marks) }));
  };
  const mark = (axis, from, to) => {
    if (from === to) marks.delete(axis.n);
    else {
      const [low, high] = [valueAt(axis, Math.min(from, to)), valueAt(axis, Math.max(from, to))];
      marks.set(axis.n, axis.k === 'cat'
        ? { low, high, texts: axis.c.filter((text, i) => i >= low && i <= high) }
        : { low, high, isInteger: axis.i });
    }
  };
  globalThis.needletailMarks = {
    set: found => {
      marks.clear();
      for (const name in found) marks.set(name, found[name]);
      follow();
    },
    isIn: (trial, study) => !marks.size || passes(trials.get(keyOf(study, trial)) || {}),
  };
  // Places the marks of a panel; also what can be pointed at.
  const place = panel => {
    const { x, y, w, h, view } = panel;
    const isWhole = view.x0 === 0 && view.x1 === 1 && view.y0 === 0 && view.y1 === 1;
    const right = v => x + ((v - x) / w - view.x0) / (view.x1 - view.x0) * w;
    const down = v => y + ((v - y) / h - view.y0) / (view.y1 - view.y0) * h;
    panel.hits = [];
    for (const mark of panel.marks) {
      let text = '', index = 0, rest = '';
      const isMark = mark.dx !== undefined;
      for (const run of mark.runs) {
        let seen = true;
        const before = text, isRunOut = !isMark && mark.rows && panel.isOut?.(mark.rows(index));
        for (let i = 0; i < run.points.length; i += 2) {
          const px = right(run.points[i]);
          const py = mark.isRug ? run.points[i + 1] : down(run.points[i + 1]);
          if (isMark) {
            seen = px > x - 20 && px < x + w + 20 && (mark.isRug || (py > y - 20 && py < y + h + 20));
            const part = `M${round(px - mark.dx)} ${round(py - mark.dy)}${run.tail}`;
            if (seen && mark.rows && panel.isOut?.(mark.rows(index))) {
              rest += part;
              seen = false;
            } else if (seen) text += part;
          } else {
            text += (i === 0 ? 'M' : i === 2 ? 'L' : ' ') + round(px) + ' ' + round(py) + run.tail;
          }
          if (mark.rows && seen && !isRunOut && px >= x - 7 && px <= x + w + 7)
            panel.hits.push({ x: px, y: py, row: mark.rows(index), mark });
          index += 1;
        }
        if (run.closed) text += 'Z';
        if (isRunOut) {
          rest += text.slice(before.length);
          text = before;
        }
      }
      const isChanged = !isWhole || !!panel.isOut;
      if (isChanged || mark.moved) mark.path.setAttribute('d', text);
      mark.moved = isChanged;
      // What is not marked stays as a shadow.
      if (rest) {
        if (!mark.shadow) {
          mark.shadow = mark.path.cloneNode(false);
          mark.shadow.style.opacity = 0.13;
          panel.shadows ??= mark.path.parentNode.insertBefore(make('g', {}), mark.path.parentNode.firstChild);
          panel.shadows.append(mark.shadow);
        }
        mark.shadow.setAttribute('d', rest);
      } else if (mark.shadow) {
        mark.shadow.remove();
        mark.shadow = undefined;
      }
    }
    for (const item of panel.texts) {
      item.text.setAttribute('x', round(right(item.x)));
      item.text.setAttribute('y', round(down(item.y)));
    }
  };
  const replaceTicks = panel => {
    const { x, y, w, h, view } = panel;
    for (const name of ['xt', 'yt']) {
      const sample = panel.samples[name];
      if (!sample) continue;
      if (!sample.whole) sample.whole = [...sample.part.childNodes];
      if (view.x0 === 0 && view.x1 === 1 && view.y0 === 0 && view.y1 === 1) {
        sample.part.replaceChildren(...sample.whole);
        continue;
      }
      const isX = name === 'xt', axis = isX ? panel.ax : panel.ay;
      const [from, to] = isX ? [view.x0, view.x1] : [1 - view.y1, 1 - view.y0];
      const kept = isX && sample.line ? [sample.line] : [];
      let end = isX ? -1e9 : 1e9;
      for (const value of ticks(axis, from, to, Math.floor(isX ? w / 90 : h / 58))) {
        const share = (shareOf(axis, value) - from) / (to - from);
        const at = isX ? x + share * w : y + (1 - share) * h;
        if (sample.stroke && (isX || axis.k !== 'cat')) {
          const line = sample.stroke.cloneNode(false);
          const top = sample.line ? +sample.line.getAttribute('d').match(/[\d.]+/g)[1] : y + h;
          line.setAttribute('d', isX ? `M${round(at)} ${top}L${round(at)} ${top + 4}`
            : `M${x} ${round(at)}L${x + w} ${round(at)}`);
          kept.push(line);
        }
        if (!sample.text) continue;
        const words = label(value, axis), size = words.length * 6.6;
        if (isX ? at - size / 2 < end + 8 : end - at < 13) continue;
        end = isX ? at + size / 2 : at;
        const text = sample.text.cloneNode(false);
        text.textContent = words.length > 24 ? words.slice(0, 23) + '…' : words;
        text.setAttribute(isX ? 'x' : 'y', round(isX ? at : at + 4));
        kept.push(text);
      }
      sample.part.replaceChildren(...kept);
    }
  };

  const setUp = figure => {
    const data = JSON.parse(figure.querySelector('.data').textContent);
    learn(data);
    const resets = [...figure.querySelectorAll('svg.nt')].map(svg => setUpPicture(figure, svg, data));
    figure.querySelector('.reset').addEventListener('click', () => resets.forEach(reset => reset()));
    figure.querySelector('.unmark').addEventListener('click', () => {
      marks.clear();
      follow();
    });
    if (marks.size) follow();
  };
  const setUpPicture = (figure, svg, data) => {
    const reset = figure.querySelector('.reset'), bar = figure.querySelector('.bar');
    const panels = [...svg.querySelectorAll('g.panel')].map(readPanel);
    panels.forEach(place);
    const off = new Set();
    const axes = panels.flatMap(p => p.uprights.length ? p.uprights.map(u => u.axis) : [p.ax, p.ay]);
    const hints = [];
    if (panels.some(panel => panel.canZoom)) hints.push('Frame an area to enlarge it.');
    if (axes.some(axis => axis.n)) hints.push('Draw along an axis to mark a range.');
    bar.querySelector('.hint').textContent = hints.join(' ');
    if (!hints.length) bar.style.display = 'none';
    for (const key of svg.querySelectorAll('.key')) {
      const parts = svg.querySelectorAll(`[data-s="${key.dataset.key}"]`);
      if (!parts.length) {
        for (const name of ['role', 'tabindex', 'aria-pressed']) key.removeAttribute(name);
        continue;
      }
      const toggle = () => {
        const isOff = !off.has(key.dataset.key);
        if (isOff) off.add(key.dataset.key); else off.delete(key.dataset.key);
        key.setAttribute('aria-pressed', String(!isOff));
        for (const part of parts) part.style.display = isOff ? 'none' : '';
        hide();
      };
      key.addEventListener('click', toggle);
      key.addEventListener('keydown', event => {
        if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); toggle(); }
      });
    }
    const ring = make('circle', { r: 7, fill: 'none', 'stroke-width': 2 });
    ring.style.stroke = 'var(--fg)';
    ring.style.pointerEvents = 'none';
    const frame = make('rect', { fill: 'none', 'stroke-dasharray': '4 3' });
    frame.style.stroke = 'var(--soft)';
    let shown = -1, start = null;
    const hide = () => { tip.hidden = true; ring.remove(); shown = -1; };
    const local = event => {
      const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    };
    const panelAt = (x, y) => panels.find(p =>
      x >= p.x - 8 && x <= p.x + p.w + 8 && y >= p.y - 8 && y <= p.y + p.h + 40);
    const fill = row => {
      const table = document.createElement('table');
      for (const column of data.columns) {
        let value = column.cells[row];
        if (value === null || value === undefined) continue;
        if (column.levels) value = column.levels[value];
        const line = table.insertRow();
        line.insertCell().textContent = column.name;
        line.insertCell().textContent = String(value);
      }
      if (data.more) {
        const line = table.insertRow();
        line.insertCell();
        line.insertCell().textContent = 'and ' + data.more + ' more columns';
      }
      tip.replaceChildren(table);
    };
    const point = event => {
      const [x, y] = local(event), panel = panelAt(x, y);
      let best = null, least = 900;
      for (const hit of panel ? panel.hits : []) {
        if (off.has(hit.mark.series)) continue;
        const far = (hit.x - x) ** 2 + (hit.y - y) ** 2;
        if (far < least) { least = far; best = hit; }
      }
      for (const mark of panel ? panel.marks : []) {
        if (!mark.bar || off.has(mark.series) || !mark.rows) continue;
        // The ends of a beam are neighbours among the hits of its mark.
        const own = panel.hits.filter(hit => hit.mark === mark);
        for (let i = 0; i + 1 < own.length; i += 2) {
          if (Math.abs(own[i].y - y) <= Math.max(mark.bar, 3) && own[i].y === own[i + 1].y
            && x >= Math.min(own[i].x, own[i + 1].x) - 2 && x <= Math.max(own[i].x, own[i + 1].x) + 2) {
            best = { x: own[i + 1].x, y: own[i].y, row: own[i].row };
            least = 0;
          }
        }
      }
      if (!best) { hide(); return; }
      if (best.row !== shown) {
        shown = best.row;
        fill(best.row);
        tip.hidden = false;
      }
      ring.setAttribute('cx', best.x);
      ring.setAttribute('cy', best.y);
      if (!ring.isConnected) svg.append(ring);
      const left = event.clientX + 16, w = tip.offsetWidth, h = tip.offsetHeight;
      tip.style.left = Math.max(4, left + w > innerWidth ? event.clientX - w - 16 : left) + 'px';
      tip.style.top = Math.max(4, Math.min(event.clientY + 16, innerHeight - h - 4)) + 'px';
    };
    const look = (panel, view) => {
      panel.view = view;
      place(panel);
      replaceTicks(panel);
      drawRanges();
      reset.hidden = panels.every(p => p.view.x0 === 0 && p.view.x1 === 1 && p.view.y0 === 0
        && p.view.y1 === 1);
      hide();
    };
    const whole = () => ({ x0: 0, x1: 1, y0: 0, y1: 1 });
    // Which rows are of trials outside of what is marked.
    const trial = data.columns.find(column => column.name === 'trial');
    const study = data.columns.find(column => column.name === 'study');
    const ranges = make('g', {});
    svg.append(ranges);
    const box = (x, y, width, height) => ranges.append(make('rect',
      { class: 'range', x: round(x), y: round(y), width: round(width), height: round(height), rx: 2 }));
    const drawRanges = () => {
      ranges.replaceChildren();
      for (const p of panels) {
        const clamped = v => Math.min(Math.max(v, 0), 1);
        for (const { x, axis } of p.uprights) {
          const range = marks.get(axis.n);
          if (!range) continue;
          const [top, end] = [range.high, range.low].map(value =>
            p.y + (1 - shareOf(p.ay, clamped(shareOf(axis, value)))) * p.h);
          box(x - 6, top, 12, end - top);
        }
        if (p.uprights.length) continue;
        const across = marks.get(p.ax.n), up = marks.get(p.ay.n);
        if (across) {
          const [from, to] = [across.low, across.high].map(value => p.x
            + clamped((shareOf(p.ax, value) - p.view.x0) / (p.view.x1 - p.view.x0)) * p.w);
          box(from, p.y, to - from, p.h);
        }
        if (up) {
          const [top, end] = [up.high, up.low].map(value => p.y
            + clamped((1 - shareOf(p.ay, value) - p.view.y0) / (p.view.y1 - p.view.y0)) * p.h);
          box(p.x, top, p.w, end - top);
        }
      }
    };
    const followMarks = () => {
      const out = new Map();
      const isOut = row => {
        if (!out.has(row)) {
          const known = trials.get(keyOf(study && cell(study, row), trial.cells[row]));
          out.set(row, !(known && passes(known)));
        }
        return out.get(row);
      };
      for (const panel of panels) {
        panel.isOut = trial && marks.size ? isOut : undefined;
        place(panel);
      }
      drawRanges();
      hide();
      const count = marks.size ? [...trials.values()].filter(passes).length : 0;
      figure.querySelector('.marked').textContent = marks.size
        ? `${count.toLocaleString('en')} of ${trials.size.toLocaleString('en')} trials shown are in the ranges.` : '';
      figure.querySelector('.unmark').hidden = !marks.size;
    };
    pictures.add({ svg, follow: followMarks });
    // The axis beside a panel, or the upright one, at a place.
    const axisAt = (x, y) => {
      for (const p of panels) {
        for (const upright of p.uprights) {
          if (upright.axis.n && Math.abs(x - upright.x) <= 9 && y > p.y - 8 && y < p.y + p.h + 8)
            return { panel: p, axis: upright.axis, upright };
        }
        if (p.uprights.length) continue;
        if (p.ax.n && x >= p.x && x <= p.x + p.w && y > p.y + p.h && y < p.y + p.h + 42)
          return { panel: p, axis: p.ax, isX: true };
        if (p.ay.n && y >= p.y && y <= p.y + p.h && x < p.x && x > p.x - 44)
          return { panel: p, axis: p.ay };
      }
      return null;
    };
    // The share of an axis at a place.
    const shareAt = (found, at) => {
      const [x, y] = at, p = found.panel, v = p.view;
      const inside = share => Math.min(Math.max(share, 0), 1);
      if (found.isX) return v.x0 + inside((x - p.x) / p.w) * (v.x1 - v.x0);
      const share = 1 - (v.y0 + inside((y - p.y) / p.h) * (v.y1 - v.y0));
      return found.upright ? inside(valueAt(p.ay, share)) : share;
    };
    svg.addEventListener('dblclick', event => {
      const panel = panelAt(...local(event));
      if (panel) look(panel, whole());
    });
    svg.addEventListener('pointerdown', event => {
      if (event.button !== 0 || event.pointerType === 'touch' || event.target.closest('.key')) return;
      const at = local(event), panel = panelAt(...at), found = axisAt(...at);
      if (found) {
        start = { at, found, from: shareAt(found, at) };
        svg.setPointerCapture(event.pointerId);
        event.preventDefault();
        return;
      }
      if (panel && panel.canZoom) { start = { at, panel }; svg.setPointerCapture(event.pointerId); }
    });
    svg.addEventListener('pointermove', event => {
      if (!start) { point(event); return; }
      hide();
      if (start.found) {
        mark(start.found.axis, start.from, shareAt(start.found, local(event)));
        drawRanges();
        return;
      }
      const p = start.panel, at = local(event);
      const within = (v, low, size) => Math.min(Math.max(v, low), low + size);
      let [x0, x1] = [start.at[0], at[0]].map(v => within(v, p.x, p.w)).sort((a, b) => a - b);
      let [y0, y1] = [start.at[1], at[1]].map(v => within(v, p.y, p.h)).sort((a, b) => a - b);
      // A narrow frame is meant for one axis.
      if (x1 - x0 < 8) [x0, x1] = [p.x, p.x + p.w];
      if (y1 - y0 < 8) [y0, y1] = [p.y, p.y + p.h];
      start.frame = Math.abs(at[0] - start.at[0]) + Math.abs(at[1] - start.at[1]) > 8
        ? [x0, y0, x1, y1] : null;
      if (!start.frame) { frame.remove(); return; }
      for (const [key, value] of [['x', x0], ['y', y0], ['width', x1 - x0], ['height', y1 - y0]])
        frame.setAttribute(key, value);
      svg.append(frame);
    });
    const end = event => {
      frame.remove();
      const done = start;
      start = null;
      if (done && done.found) {
        const to = shareAt(done.found, local(event));
        // A click takes a range away.
        mark(done.found.axis, done.from, Math.abs(to - done.from) < 0.005 ? done.from : to);
        follow();
        return;
      }
      if (!done || !done.frame || event.type !== 'pointerup') return;
      const p = done.panel, v = p.view, [x0, y0, x1, y1] = done.frame;
      const across = s => v.x0 + (s - p.x) / p.w * (v.x1 - v.x0);
      const down = s => v.y0 + (s - p.y) / p.h * (v.y1 - v.y0);
      const next = { x0: across(x0), x1: across(x1), y0: down(y0), y1: down(y1) };
      if (next.x1 - next.x0 > 1e-9 && next.y1 - next.y0 > 1e-9) look(p, next);
    };
    svg.addEventListener('pointerup', end);
    svg.addEventListener('pointercancel', end);
    svg.addEventListener('pointerleave', hide);
    const zoomOut = event => {
      if (!svg.isConnected) removeEventListener('keydown', zoomOut);
      else if (event.key === 'Escape') panels.forEach(panel => look(panel, whole()));
    };
    addEventListener('keydown', zoomOut);
    return () => panels.forEach(panel => look(panel, whole()));
  };
  document.querySelectorAll('figure.nf').forEach(setUp);
  globalThis.needletailFigure = setUp;
})();
