import type { Graph, GraphNode } from './graph.js';

const [width, height, gapX, gapY, margin] = [150, 46, 46, 48, 24];

/**
 * A graph as an SVG picture: a line of boxes for each list of stages, from left to right, branches below what they come from. A
 * layout of our own, as a pipeline is nearly a line; it needs neither a browser nor a library.
 */
export function svg({ nodes, edges }: Graph): string {
  const places = placesOf({ nodes, edges });
  const at = (id: string) => places.get(id)!;
  const right = Math.max(0, ...[...places.values()].map(({ x }) => x)) + width + margin;
  const bottom = Math.max(0, ...[...places.values()].map(({ y }) => y)) + height + margin;
  const titles = titlesOf(nodes).map(
    ({ text, id }) => `<text class="title" x="${at(id).x}" y="${at(id).y - 8}">${escaped(text)}</text>`,
  );
  const boxes = nodes.map(({ id, lines, kind }) => {
    const { x, y } = at(id);
    const [name = '', about] = lines;
    const middle = x + width / 2;
    const texts = about
      ? `<text x="${middle}" y="${y + 20}">${escaped(name)}</text><text class="about" x="${middle}" y="${y + 35}">${escaped(cut(about))}</text>`
      : `<text x="${middle}" y="${y + 28}">${escaped(name)}</text>`;
    const round = kind === 'source' ? height / 2 : kind === 'sink' ? 12 : 3;
    return `<g class="${kind}"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${round}"/>${texts}</g>`;
  });
  const arrows = edges.map(({ from, to, kind }) => {
    const [a, b] = [at(from), at(to)];
    const [x1, y1] = [a.x + width, a.y + height / 2];
    const [x2, y2] = [b.x, b.y + height / 2];
    if (kind === 'flow' && y1 === y2) return `<path class="flow" d="M${x1} ${y1}H${x2 - 2}"/>`;
    if (kind === 'flow')
      return `<path class="flow" d="M${x1} ${y1}C${x1 + gapX} ${y1} ${x2 - gapX} ${y2} ${x2 - 2} ${y2}"/>`;
    // Back to the left, between its own line and the title of the next.
    const [down, out] = kind === 'again' ? [8, 20] : [16, 14];
    const low = a.y + height + down;
    return `<path class="${kind}" d="M${x1} ${y1}h10V${low}H${x2 - out}V${y2}h${out - 2}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${right}" height="${bottom}" viewBox="0 0 ${right} ${bottom}" font-family="sans-serif" font-size="13">
<style>
text{text-anchor:middle;fill:#1b1f24}.about{font-size:10px;fill:#57606a}.title{text-anchor:start;font-size:11px;font-weight:bold;fill:#57606a}
rect{fill:#fff;stroke:#57606a}.source rect{fill:#ddf4ff}.sink rect{fill:#fff8c5}.structure rect{fill:#fbefff}
path{fill:none;stroke:#57606a;stroke-width:1.3;marker-end:url(#head)}.next,.again{stroke-dasharray:5 3}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#57606a;stroke:none;marker-end:none"/></marker></defs>
${[...titles, ...arrows, ...boxes].join('\n')}
</svg>
`;
}

interface Point {
  x: number;
  y: number;
}

/** Lists lie below one another, each stage right of those that it flows from. */
function placesOf({ nodes, edges }: Graph): Map<string, Point> {
  const columns = new Map<string, number>();
  for (const { id } of nodes) {
    const sources = edges
      .filter(({ to, kind }) => to === id && kind === 'flow')
      .map(({ from }) => columns.get(from) ?? 0);
    columns.set(id, Math.max(-1, ...sources) + 1);
  }
  const rows: string[] = [];
  const places = new Map<string, Point>();
  for (const { id, within } of nodes) {
    const list = within.join('/');
    if (!rows.includes(list)) rows.push(list);
    places.set(id, {
      x: margin + columns.get(id)! * (width + gapX),
      y: margin + 14 + rows.indexOf(list) * (height + gapY),
    });
  }
  return places;
}

/** What stands above the first box of each list. */
function titlesOf(nodes: readonly GraphNode[]): { text: string; id: string }[] {
  const seen = new Set<string>();
  return nodes.flatMap(({ id, within }) => {
    const text = within.join(' › ');
    if (seen.has(text) || text === 'main') return [];
    seen.add(text);
    return [{ text, id }];
  });
}

const cut = (text: string) => (text.length > 26 ? `${text.slice(0, 25)}…` : text);
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
