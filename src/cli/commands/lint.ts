import { exitCode } from '../../core/errors.js';
import { nowhere, textOf } from '../../core/spec/problems.js';
import { lintFile } from '../../pipelines/fromSpec/index.js';
import type { Command } from '../command.js';

export const lintCommand: Command = {
  usage: 'lint <files..>',
  describe: 'Check specs, and the specs in Markdown pages, without running them',
  positionals: {
    files: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'YAML, JSON or Markdown; or presets',
    },
  },
  examples: [
    ['rxnas lint my.yaml', 'file:line:column of everything that is wrong; exit code 2'],
    ['rxnas lint examples/*.yaml docs/*.md --json', 'for programs'],
  ],
  async run({ files }, output) {
    const results = await Promise.all((files as string[]).map((file) => lintFile(file)));
    const problems = results.flatMap((result) => result.problems);
    const specs = results.reduce((sum, result) => sum + result.specs, 0);
    const data = problems.map(({ place, message, hint }) => ({ ...place, message, hint }));
    output.result({ specs, problems: data }, () =>
      problems.length === 0
        ? `${specs} spec${specs === 1 ? '' : 's'} checked: nothing wrong`
        : problems.flatMap(({ place, message, hint }) => [
            `${place === nowhere ? '' : `${textOf(place)}: `}${message}`,
            `    ${hint}`,
          ]),
    );
    return problems.length === 0 ? exitCode.ok : exitCode.usage;
  },
};
