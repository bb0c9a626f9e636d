import { onlyPhase } from './grammar.js';
import { type Chosen, nameOf, type Spec, type Stage, type StageList } from './spec.js';

/** A stage in a drawing. */
export interface GraphNode {
  id: string;
  /** Name of the stage, and below it what sets it apart. */
  lines: string[];
  kind: 'source' | 'operator' | 'sink' | 'structure';
  /** Names of the phases, branches and loops that it stands in, outermost first. */
  within: readonly string[];
}

export interface GraphEdge {
  from: string;
  to: string;
  /** `flow`: rows; `next`: the next phase begins when this one has ended; `again`: the next round. */
  kind: 'flow' | 'next' | 'again';
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** The stages of a spec as a graph. */
export function graphOf(spec: Spec): Graph {
  const graph: Graph = { nodes: [], edges: [] };
  sequence(graph, spec.phases, []);
  return graph;
}

/** Ends of a list: where it is entered, and what flows out of it. */
interface Ends {
  first: string[];
  last: string[];
}

/** Lists that run one after the other. */
function sequence(graph: Graph, lists: readonly StageList[], within: readonly string[]): Ends {
  let before: string[] = [];
  let first: string[] | undefined;
  for (const list of lists) {
    const ends = listInto(graph, list, list.name === onlyPhase ? within : [...within, list.name], []);
    for (const from of before) for (const to of ends.first) graph.edges.push({ from, to, kind: 'next' });
    first ??= ends.first;
    before = ends.last;
  }
  return { first: first ?? [], last: before };
}

function listInto(graph: Graph, list: StageList, within: readonly string[], from: string[]): Ends {
  let previous = from;
  let first: string[] | undefined;
  for (const stage of list.stages) {
    const ends = stageInto(graph, stage, within, previous);
    first ??= ends.first;
    previous = ends.last;
  }
  return { first: first ?? [], last: previous };
}

function stageInto(graph: Graph, stage: Stage, within: readonly string[], from: string[]): Ends {
  if (stage.kind === 'rounds') {
    const { first, last } = sequence(graph, stage.each, [
      ...within,
      `rounds: ${nameOf(stage.params.searcher)}`,
    ]);
    for (const end of last)
      for (const start of first) graph.edges.push({ from: end, to: start, kind: 'again' });
    return { first, last };
  }
  if (stage.kind === 'merge') {
    const ends = stage.branches.map((branch) => listInto(graph, branch, [...within, branch.name], from));
    return { first: ends.flatMap(({ first }) => first), last: ends.flatMap(({ last }) => last) };
  }
  const id = `n${graph.nodes.length}`;
  const flow = () => {
    for (const each of from) graph.edges.push({ from: each, to: id, kind: 'flow' });
  };
  if (stage.kind !== 'component') {
    graph.nodes.push({ id, lines: ['tee'], kind: 'structure', within });
    flow();
    for (const branch of stage.branches) listInto(graph, branch, [...within, branch.name], [id]);
    return { first: [id], last: [id] };
  }
  graph.nodes.push({ id, lines: linesOf(stage), kind: stage.component.kind, within });
  flow();
  return { first: [id], last: [id] };
}

/** Parameters that say at a glance what a stage is about. */
const telling = [
  'loss',
  'miner',
  'event',
  'rows',
  'budget',
  'sample',
  'file',
  'run',
  'every',
  'steps',
  'epochs',
];

function linesOf({ name, params }: Extract<Stage, { kind: 'component' }>): string[] {
  const said = telling.flatMap((param) => {
    const value = params[param];
    if (value === undefined || (typeof value === 'object' && Array.isArray(value))) return [];
    return [`${param}: ${typeof value === 'object' ? nameOf(value as Chosen) : String(value)}`];
  });
  return said.length > 0 ? [name, said.slice(0, 2).join(', ')] : [name];
}

/** A graph as Mermaid, which Markdown pages draw. */
export function mermaid({ nodes, edges }: Graph): string {
  const shape = {
    source: ['([', '])'],
    operator: ['[', ']'],
    sink: ['[(', ')]'],
    structure: ['{{', '}}'],
  } as const;
  const lines = ['flowchart LR'];
  const text = (label: string) => label.replaceAll('"', '#quot;');
  inGroups(
    nodes,
    (depth, group, number) => lines.push(`${'  '.repeat(depth + 1)}subgraph g${number}["${text(group)}"]`),
    {
      node: ({ id, lines: label, kind }, depth) => {
        const [open, close] = shape[kind];
        lines.push(`${'  '.repeat(depth + 1)}${id}${open}"${label.map(text).join('<br>')}"${close}`);
      },
      end: (depth) => lines.push(`${'  '.repeat(depth + 1)}end`),
    },
  );
  const arrow = { flow: '-->', next: '-.->|then|', again: '-.->|next round|' };
  for (const { from, to, kind } of edges) lines.push(`  ${from} ${arrow[kind]} ${to}`);
  return `${lines.join('\n')}\n`;
}

/** A graph in the language of Graphviz. */
export function dot({ nodes, edges }: Graph): string {
  const shape = { source: 'ellipse', operator: 'box', sink: 'cylinder', structure: 'hexagon' };
  const text = (label: string) => JSON.stringify(label);
  const lines = ['digraph spec {', '  rankdir=LR;', '  node [fontname="sans-serif"];'];
  inGroups(
    nodes,
    (depth, group, number) =>
      lines.push(
        `${'  '.repeat(depth + 1)}subgraph cluster_${number} {`,
        `${'  '.repeat(depth + 2)}label=${text(group)};`,
      ),
    {
      node: ({ id, lines: label, kind }, depth) =>
        lines.push(`${'  '.repeat(depth + 1)}${id} [shape=${shape[kind]}, label=${text(label.join('\n'))}];`),
      end: (depth) => lines.push(`${'  '.repeat(depth + 1)}}`),
    },
  );
  const style = {
    flow: '',
    next: ' [style=dashed, label="then"]',
    again: ' [style=dashed, label="next round", constraint=false]',
  };
  for (const { from, to, kind } of edges) lines.push(`  ${from} -> ${to}${style[kind]};`);
  return `${lines.join('\n')}\n}\n`;
}

/** Goes through nodes group by group, as they stand inside one another. */
function inGroups(
  nodes: readonly GraphNode[],
  begin: (depth: number, group: string, number: number) => void,
  on: { node: (node: GraphNode, depth: number) => void; end: (depth: number) => void },
): void {
  let open: readonly string[] = [];
  let number = 0;
  const leave = (to: number) => {
    for (let depth = open.length; depth > to; depth--) on.end(depth - 1);
  };
  for (const node of nodes) {
    const { within } = node;
    let shared = 0;
    while (shared < open.length && open[shared] === within[shared]) shared++;
    leave(shared);
    for (let depth = shared; depth < within.length; depth++) begin(depth, within[depth]!, number++);
    open = within;
    on.node(node, open.length);
  }
  leave(0);
}
