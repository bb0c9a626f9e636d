import type { ReportModel } from '../model.js';
import { h } from './dom.js';
import { sections } from './sections.js';

/*
 * Shows the model that stands in the page, and newer ones as they come: `window.rxnasReport.update(model)`, or a stream of server-sent
 * events where the page names one.
 */

const root = document.getElementById('report')!;
const places = new Map(
  sections.map(({ id, title }) => [
    id,
    h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title)),
  ]),
);
const contents = h('nav', { 'aria-label': 'Contents' });
const title = h('h1');
const made = h('p', { class: 'muted' });

let shown = '';

/** Shows a model. What a reader has opened stays open. */
function update(model: ReportModel): void {
  document.title = `${model.title} – rxnas`;
  title.textContent = model.title;
  made.textContent = `rxnas ${model.version} · ${model.made.slice(0, 16).replace('T', ' ')} UTC`;
  for (const { id, title, render } of sections) {
    const place = places.get(id)!;
    const content = render(model);
    const open = [...place.querySelectorAll('details')].map((details) => details.open);
    place.hidden = content === undefined;
    place.replaceChildren(h('h2', { id: `${id}-title` }, title), ...(content ?? []));
    for (const [i, details] of place.querySelectorAll('details').entries())
      details.open = open[i] ?? details.open;
  }
  const links = sections.filter(({ id }) => !places.get(id)!.hidden);
  const names = links.map(({ id }) => id).join();
  if (names === shown) return;
  shown = names;
  contents.replaceChildren(...links.map(({ id, title }) => h('a', { href: `#${id}` }, title)));
}

type Theme = 'light' | 'dark';

/** Goes over from the system's choice of light or dark to the other, and back. */
function themeSwitch(): HTMLElement {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const current = (): Theme =>
    (document.documentElement.dataset.theme as Theme | undefined) ?? (system.matches ? 'dark' : 'light');
  const button = h('button', { type: 'button', class: 'theme' });
  const label = () => {
    button.textContent = current() === 'dark' ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to ${current() === 'dark' ? 'light' : 'dark'} colours`);
  };
  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = current() === 'dark' ? 'light' : 'dark';
    label();
    dispatchEvent(new Event('themechange'));
  });
  system.addEventListener('change', () => {
    label();
    dispatchEvent(new Event('themechange'));
  });
  label();
  return button;
}

root.replaceChildren(h('header', {}, h('div', {}, title, made), themeSwitch()), contents, ...places.values());
update(JSON.parse(document.getElementById('model')!.textContent!));

const { live } = document.documentElement.dataset;
if (live) new EventSource(live).addEventListener('message', ({ data }) => update(JSON.parse(data)));

Object.assign(window, { rxnasReport: { update } });
