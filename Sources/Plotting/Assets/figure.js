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

  // The value at a share of an axis, and back.
  const valueAt = (axis, share) => axis.k === 'log'
    ? 10 ** (Math.log10(axis.a) + share * (Math.log10(axis.b) - Math.log10(axis.a)))
    : axis.a + share * (axis.b - axis.a);
  const shareOf = (axis, value) => axis.k === 'log'
    ? (Math.log10(value) - Math.log10(axis.a)) / (Math.log10(axis.b) - Math.log10(axis.a))
    : (value - axis.a) / (axis.b - axis.a);
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
      if (axis.i) step = Math.max(1, step);
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
    return panel;
  };
  // Places the marks of a panel; also what can be pointed at.
  const place = panel => {
    const { x, y, w, h, view } = panel;
    const isWhole = view.x0 === 0 && view.x1 === 1 && view.y0 === 0 && view.y1 === 1;
    const right = v => x + ((v - x) / w - view.x0) / (view.x1 - view.x0) * w;
    const down = v => y + ((v - y) / h - view.y0) / (view.y1 - view.y0) * h;
    panel.hits = [];
    for (const mark of panel.marks) {
      let text = '', index = 0;
      const isMark = mark.dx !== undefined;
      for (const run of mark.runs) {
        let seen = true;
        for (let i = 0; i < run.points.length; i += 2) {
          const px = right(run.points[i]);
          const py = mark.isRug ? run.points[i + 1] : down(run.points[i + 1]);
          if (isMark) {
            seen = px > x - 20 && px < x + w + 20 && (mark.isRug || (py > y - 20 && py < y + h + 20));
            if (seen) text += `M${round(px - mark.dx)} ${round(py - mark.dy)}${run.tail}`;
          } else {
            text += (i === 0 ? 'M' : i === 2 ? 'L' : ' ') + round(px) + ' ' + round(py) + run.tail;
          }
          if (mark.rows && seen && px >= x - 7 && px <= x + w + 7)
            panel.hits.push({ x: px, y: py, row: mark.rows(index), mark });
          index += 1;
        }
        if (run.closed) text += 'Z';
      }
      if (!isWhole || mark.moved) mark.path.setAttribute('d', text);
      mark.moved = !isWhole;
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
    const svg = figure.querySelector('svg.nt'), reset = figure.querySelector('.reset');
    const data = JSON.parse(figure.querySelector('.data').textContent);
    const panels = [...svg.querySelectorAll('g.panel')].map(readPanel);
    panels.forEach(place);
    const off = new Set();
    if (!panels.some(panel => panel.canZoom)) figure.querySelector('.bar').remove();
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
      reset.hidden = panels.every(p => p.view.x0 === 0 && p.view.x1 === 1 && p.view.y0 === 0
        && p.view.y1 === 1);
      hide();
    };
    const whole = () => ({ x0: 0, x1: 1, y0: 0, y1: 1 });
    reset.addEventListener('click', () => panels.forEach(panel => look(panel, whole())));
    svg.addEventListener('dblclick', event => {
      const panel = panelAt(...local(event));
      if (panel) look(panel, whole());
    });
    svg.addEventListener('pointerdown', event => {
      if (event.button !== 0 || event.pointerType === 'touch' || event.target.closest('.key')) return;
      const at = local(event), panel = panelAt(...at);
      if (panel && panel.canZoom) { start = { at, panel }; svg.setPointerCapture(event.pointerId); }
    });
    svg.addEventListener('pointermove', event => {
      if (!start) { point(event); return; }
      hide();
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
  };
  document.querySelectorAll('figure.nf').forEach(setUp);
  globalThis.needletailFigure = setUp;
})();
