import yargs, { type FallbackCompletionFunction } from 'yargs';
import { type ExitCode, exitCode, RxnasError } from '../core/errors.js';
import { version } from '../core/version.js';
import { completions, misunderstood, register } from './command.js';
import { commands } from './commands/index.js';
import { printable } from './output.js';

const epilogue = `Exit codes: 0 ok, 1 failure, 2 wrong usage or spec, 3 data missing or damaged, 4 replay diverged,
130 interrupted (can be resumed). Data goes to stdout, progress and remarks to stderr.`;

/**
 * The `rxnas` command. Gives the exit code; never throws.
 * @param argv arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  // A reader that leaves early (`rxnas … | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode.ok);
    throw error;
  });

  // The shell hands over the program's name and then the words of the line.
  const words = argv.slice(argv.indexOf('--get-yargs-completions') + 2);
  const complete: FallbackCompletionFunction = (_current, _args, defaults, done) => {
    const own = completions(words, commands);
    if (own) done([...own]);
    else defaults();
  };

  let code: ExitCode = exitCode.ok;
  const parser = yargs([...argv])
    .scriptName('rxnas')
    .usage('$0 <command>\n\nPretrains and runs neural-architecture-search controllers as stream pipelines.')
    .version(version)
    .option('json', { type: 'boolean', default: false, describe: 'results as JSON on stdout', global: true })
    .option('quiet', {
      type: 'boolean',
      default: false,
      describe: 'no progress and no remarks',
      global: true,
    })
    .completion('completion', 'Print a completion script for bash or zsh', complete)
    .demandCommand(1, 'a command is missing')
    .strict()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .epilogue(epilogue)
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error ?? misunderstood(message, argv, commands);
    });
  for (const command of commands) {
    register(parser, command, (result) => {
      code = result;
    });
  }

  try {
    await parser.parseAsync();
    return code;
  } catch (error) {
    return report(error);
  }
}

/** Prints an error as a user should see it; a stack trace is for our own bugs only. */
function report(error: unknown): ExitCode {
  if (error instanceof RxnasError) {
    process.stderr.write(`rxnas: ${printable(error.message)}\n       ${printable(error.hint)}\n`);
    return error.exitCode;
  }
  const details = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`rxnas: this is a bug of rxnas, please report it:\n${details}\n`);
  return exitCode.failure;
}
