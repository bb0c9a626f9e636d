import { exitCode } from '../../core/errors.js';
import { specJsonSchema } from '../../core/spec/jsonSchema.js';
import type { Command } from '../command.js';
import { componentsFor, useOption } from '../components.js';

export const schemaCommand: Command = {
  usage: 'schema',
  describe: 'Print the JSON Schema of specs, for editors',
  options: useOption,
  examples: [
    [
      'rxnas schema > spec.schema.json',
      'a spec then begins with: # yaml-language-server: $schema=spec.schema.json',
    ],
    ['rxnas schema --use ./my-operator.ts > spec.schema.json', 'with components of your own'],
  ],
  async run(args, output) {
    const schema = specJsonSchema(await componentsFor(args));
    output.result(schema, () => JSON.stringify(schema, null, 2));
    return exitCode.ok;
  },
};
