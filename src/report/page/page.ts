import type { MapModel, ReportModel } from '../model.js';
import { h } from './dom.js';
import { EmbeddingMap } from './map/embeddingMap.js';
import { sections as plain, type Section } from './sections.js';
import { themeSwitch } from './theme.js';

/**
 * Builds the page, empty, in an element. Gives what shows a model in it: each newer one is shown in place of the one before, where only parts that
 * are other objects than before are drawn anew. What a reader has opened stays open.
 *
 * @param script text of the page's script, which its workers run as well
 */
export function buildPage(root: HTMLElement, script: string): (model: ReportModel) => void {
  const sections: Section[] = plain.flatMap((section) => [
    section,
    ...(section.id === 'curves' ? [mapSection(script)] : []),
  ]);
  const places = new Map(
    sections.map(({ id }) => [id, h('section', { id, 'aria-labelledby': `${id}-title` })]),
  );
  const title = h('h1');
  const made = h('p', { class: 'muted' });
  const contents = h('nav', { 'aria-label': 'Contents' });
  root.replaceChildren(
    h('header', {}, h('div', {}, title, made), themeSwitch()),
    contents,
    ...places.values(),
  );

  let before: ReportModel | undefined;
  return (model) => {
    document.title = `${model.title} – rxnas`;
    title.textContent = model.title;
    made.textContent = `rxnas ${model.version} · ${model.made.slice(0, 16).replace('T', ' ')} UTC`;
    for (const { id, of, title, render } of sections) {
      if (before && before[of] === model[of]) continue;
      const place = places.get(id)!;
      const content = render(model) ?? [];
      place.hidden = content.length === 0;
      if (content.length > 0 && content.every((node) => place.contains(node))) continue;
      const open = [...place.querySelectorAll('details')].map((details) => details.open);
      place.replaceChildren(h('h2', { id: `${id}-title` }, title), ...content);
      for (const [i, details] of place.querySelectorAll('details').entries())
        details.open = open[i] ?? details.open;
    }
    before = model;
    const shown = sections.filter(({ id }) => !places.get(id)!.hidden);
    if (shown.length === contents.children.length) return;
    contents.replaceChildren(...shown.map(({ id, title }) => h('a', { href: `#${id}` }, title)));
  };
}

/** One map for as long as the page lives: its view and selection outlast newer embeddings. */
function mapSection(script: string): Section {
  let map: EmbeddingMap | undefined;
  const show = (model: MapModel) => {
    map ??= new EmbeddingMap(script);
    void map.show(model);
    return [map.element];
  };
  return { id: 'map', of: 'map', title: 'Embedding map', render: (model) => model.map && show(model.map) };
}
