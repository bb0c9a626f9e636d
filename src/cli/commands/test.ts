import { exitCode } from '../../core/errors.js';
import { readSpecFile, runSpecTests } from '../../pipelines/fromSpec/index.js';
import type { Command } from '../command.js';
import { overridesOf, specOptions } from '../specRun.js';

export const testCommand: Command = {
  usage: 'test <spec>',
  describe: 'Run the tests that a spec holds',
  positionals: { spec: { type: 'string', demandOption: true, describe: 'file with a `tests` block' } },
  options: { set: specOptions.set! },
  examples: [['rxnas test my.yaml', 'a line a test; exit code 1 where one fails']],
  async run(args, output) {
    const results = await runSpecTests(await readSpecFile(args.spec, { set: overridesOf(args) }));
    const failed = results.filter(({ failure }) => failure !== undefined);
    output.result({ tests: results, failed: failed.length }, () => [
      ...results.map(({ name, failure }) =>
        failure === undefined ? `ok    ${name}` : `FAIL  ${name}: ${failure}`,
      ),
      `${results.length - failed.length} of ${results.length} tests passed`,
    ]);
    return failed.length === 0 ? exitCode.ok : exitCode.failure;
  },
};
