// Several studies over each other.
import { follow, get } from './api.js';
import { h, name, nothing, number, redraw, refill, studyLink, table } from './dom.js';
import { Figure } from './figures.js';

const most = 12;

export async function show(main, _, signal) {
  document.title = 'Compare – Needletail';
  const { studies } = await get('/v1/studies', signal);
  const wanted = new Set(new URLSearchParams(location.search).getAll('study'));
  const unknown = [...wanted].filter(one => !studies.some(study => study.name === one));
  for (const one of unknown) wanted.delete(one);
  const choices = studies.map(study => {
    const box = h('input', {
      type: 'checkbox', checked: wanted.has(study.name), onchange: () => {
        if (box.checked) wanted.add(study.name); else wanted.delete(study.name);
        history.replaceState(null, '', `/compare?${new URLSearchParams([...wanted].map(one => ['study', one]))}`);
        draw();
      },
    });
    return h('label', { class: 'choice' }, box, name(study.name));
  });
  const body = h('div', { class: 'plots' });
  let ended = new AbortController();
  const best = h('section', { class: 'card' });
  let figures = [];
  const choose = () => studies.filter(study => wanted.has(study.name));
  const drawBest = () => refill(best, table('Best values', ['study', 'trials', 'completed', 'best value', 'direction'],
    choose().map(study => [studyLink(study.name), number(study.trials.total), number(study.trials.completed),
      number(study.best_value), study.directions.join(', ')])));
  const draw = () => {
    ended.abort();
    ended = new AbortController();
    signal.addEventListener('abort', () => ended.abort(), { once: true });
    const chosen = choose();
    figures = [];
    if (chosen.length < 2 || chosen.length > most) {
      body.replaceChildren(nothing(studies.length < 2 ? 'There are not two studies to compare.'
        : chosen.length > most ? `At most ${most} studies fit into one picture; choose fewer.` : 'Choose two studies or more.'));
      return;
    }
    const query = new URLSearchParams(chosen.map(study => ['study', study.name]));
    figures = ['history', 'edf'].map(kind => new Figure(kind, `/v1/figures/${kind}?${query}`, ended.signal));
    body.replaceChildren(...figures.map(figure => figure.node), best);
    drawBest();
  };
  main.replaceChildren(h('div', { class: 'page' }, h('h1', {}, 'Compare studies'),
    h('section', { class: 'card' }, h('fieldset', {}, h('legend', {}, 'Studies'), h('div', { class: 'choices' }, choices)),
      unknown.length ? h('p', { class: 'problem' }, 'There is no study ', unknown.map((one, i) => [i ? ', ' : '', name(one)]).flat(), '.') : ''),
    body));
  draw();
  follow('/v1/events', undefined, {
    studies: event => {
      let isShown = false;
      for (const fresh of event.studies) {
        const known = studies.find(study => study.name === fresh.name);
        if (!known || JSON.stringify(known) === JSON.stringify(fresh)) continue;
        Object.assign(known, fresh);
        isShown ||= wanted.has(fresh.name);
      }
      if (!isShown || !figures.length) return;
      redraw(drawBest);
      for (const figure of figures) figure.stale();
    },
  }, signal);
}
