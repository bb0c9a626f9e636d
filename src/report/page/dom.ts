/** Elements made in one call. Text is set as text: what stands in a run is never read as HTML. */

type Child = Node | string | undefined | false;
type Attributes = Record<string, string | number | boolean | undefined | ((event: never) => void)>;

/** An HTML element. An attribute that is a function listens to the event of its name, `true` is set empty, `false` is left out. */
export const h = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] => fill(document.createElement(name), attributes, children);

/** An SVG element. */
export const s = <K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value as EventListener);
    else if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Sets the children of an element, unless they are these already: elements that are put in again lose their focus. */
export function replaceChildren(element: Element, children: readonly Node[]): void {
  const { childNodes } = element;
  if (children.length === childNodes.length && children.every((child, i) => child === childNodes[i])) return;
  element.replaceChildren(...children);
}

/** A table whose numeric columns are set right. */
export function table(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
  numeric: readonly boolean[] = header.map((_, i) => i > 0),
): HTMLElement {
  const kind = (i: number) => (numeric[i] ? 'number' : undefined);
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, caption),
      h(
        'thead',
        {},
        h('tr', {}, ...header.map((text, i) => h('th', { scope: 'col', class: kind(i) }, text))),
      ),
      h(
        'tbody',
        {},
        ...rows.map((row) =>
          h(
            'tr',
            {},
            ...row.map((cell, i) =>
              i === 0 ? h('th', { scope: 'row', class: kind(i) }, cell) : h('td', { class: kind(i) }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}
