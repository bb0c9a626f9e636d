import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createSpec } from '../../../src/core/spec/create.js';
import { dot, graphOf, mermaid } from '../../../src/core/spec/graph.js';
import { svg } from '../../../src/core/spec/graphSvg.js';
import { builtIns } from '../../../src/pipelines/builtIns.js';
import { readSpec, readSpecFile } from '../../../src/pipelines/fromSpec/index.js';

const graph = async (file: string) => graphOf((await readSpecFile(file)).spec);

describe('the graph of a spec', () => {
  it('has every stage once, in lines that follow one another', async () => {
    const { nodes, edges } = await graph('pretrain');
    expect(nodes.map(({ lines }) => lines[0])).toEqual([
      ...[
        'anchors',
        'mutate',
        'batch',
        'encode',
        'mine',
        'lossStep',
        'record',
        'watchCollapse',
        'checkpoint',
      ],
      ...['embedCells', 'record'],
    ]);
    expect(edges.filter(({ kind }) => kind === 'flow')).toHaveLength(9);
    expect(edges.filter(({ kind }) => kind === 'next')).toEqual([{ from: 'n8', to: 'n9', kind: 'next' }]);
  });

  it('shows the loop of a search, and branches', async () => {
    const { edges } = await graph('search');
    expect(edges.filter(({ kind }) => kind === 'again')).toEqual([{ from: 'n6', to: 'n0', kind: 'again' }]);
    const branches = await graph('examples/second-sink.yaml');
    const tee = branches.nodes.find(({ lines }) => lines[0] === 'tee')!;
    expect(branches.edges.filter(({ from }) => from === tee.id)).toHaveLength(2);
  });

  it('as Mermaid, dot and SVG: balanced, each node once', async () => {
    const drawn = await graph('search');
    const lines = mermaid(drawn)
      .split('\n')
      .map((line) => line.trim());
    expect(lines.filter((line) => line.startsWith('subgraph'))).toHaveLength(
      lines.filter((line) => line === 'end').length,
    );
    const text = dot(drawn);
    expect(text.split('{').length).toBe(text.split('}').length);
    const picture = svg(drawn);
    expect(picture.match(/<rect/g)).toHaveLength(drawn.nodes.length);
    expect(picture.match(/<path class/g)).toHaveLength(drawn.edges.length);
  });

  it('of the README is that of the preset', async () => {
    const [, shown] = /```mermaid\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
    expect(shown).toBe(mermaid(await graph('pretrain')));
  });
});

describe('create', () => {
  it.each(['anchors/mutate,batch/mine,loss', 'replay/average,write', 'embed', 'anchors/mutate/write'])(
    '%s: a spec without fault, with every parameter',
    async (names) => {
      const text = createSpec(names, builtIns);
      const { spec } = await readSpec(text);
      const wanted = names
        .split(/[/,]/)
        .map((name) => ({ loss: 'lossStep', embed: 'embedCells' })[name] ?? name);
      const stages = spec.phases[0]!.stages.map(({ name }) => name);
      for (const name of wanted) expect(stages).toContain(name);
      for (const stage of parse(text).pipeline) {
        const name = typeof stage === 'string' ? stage : Object.keys(stage)[0]!;
        for (const param of Object.keys(builtIns.find('stage', name).params.shape))
          expect(text).toContain(`${param}: `);
      }
    },
  );

  it('an unknown stage', () => {
    expect(() => createSpec('anchrs/mutate', builtIns)).toThrow("unknown stage 'anchrs'");
    expect(() => createSpec(' / ', builtIns)).toThrow('no stages are named');
  });
});
