import { resolve } from 'node:path';
import { exitCode } from '../../core/errors.js';
import { replaceFile } from '../../core/run/index.js';
import { dot, graphOf, mermaid } from '../../core/spec/graph.js';
import { svg } from '../../core/spec/graphSvg.js';
import { readSpecFile } from '../../pipelines/fromSpec/index.js';
import type { Command } from '../command.js';
import { overridesOf, specOptions } from '../specRun.js';

const formats = { mermaid, dot, svg } as const;

export const graphCommand: Command = {
  usage: 'graph <spec>',
  describe: 'Draw the pipeline of a spec',
  positionals: { spec: { type: 'string', demandOption: true, describe: 'file or preset' } },
  options: {
    format: {
      type: 'string',
      choices: Object.keys(formats),
      default: 'mermaid',
      describe: 'mermaid for Markdown pages, dot for Graphviz, svg as a picture',
    },
    out: { type: 'string', describe: 'file to write; default: stdout' },
    set: specOptions.set!,
  },
  examples: [
    ['rxnas graph pretrain', 'as Mermaid'],
    ['rxnas graph my.yaml --format svg --out my.svg', 'as a picture'],
  ],
  async run(args, output) {
    const { spec } = await readSpecFile(args.spec, { set: overridesOf(args) });
    const graph = graphOf(spec);
    const text = formats[args.format as keyof typeof formats](graph);
    if (args.out !== undefined) await replaceFile(resolve(args.out), text);
    output.result({ ...graph, ...(args.out !== undefined && { out: args.out }) }, () =>
      args.out === undefined ? text.trimEnd() : `graph: ${args.out}`,
    );
    return exitCode.ok;
  },
};
