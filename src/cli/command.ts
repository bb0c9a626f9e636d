import type { Argv, Options, PositionalOptions } from 'yargs';
import { type ExitCode, usageError } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import { interruptible } from './interrupt.js';
import { useNatsFlags } from './natsFlags.js';
import { createOutput, type Output } from './output.js';

/** Parsed arguments: positionals and options by their camel-case names. */
// biome-ignore lint/suspicious/noExplicitAny: yargs checks the types that each command declares
export type Args = Record<string, any>;

/** One command of the command line; each lies in a file of its own. */
export interface Command {
  /** Name and positionals as yargs has them, e.g. `count <space>`. */
  readonly usage: string;
  /** Other spellings of its name. */
  readonly aliases?: readonly string[];
  readonly describe: string;
  readonly positionals?: Record<string, PositionalOptions>;
  readonly options?: Record<string, Options>;
  /** Pairs of command and explanation for `--help`. */
  readonly examples: readonly (readonly [string, string])[];
  readonly subcommands?: readonly Command[];
  /** What its positional can be, for the shell's completion. */
  readonly complete?: () => readonly string[];
  /** Whether the command stops at a safe point at Ctrl-C (see `interrupted$`), rather than at once. */
  readonly stopsSafely?: boolean;
  /** Runs the command; absent where a subcommand is needed. */
  run?(args: Args, output: Output): Promise<ExitCode>;
}

export const nameOf = (command: Command): string => command.usage.split(' ')[0]!;

/** Registers `command` with yargs; `done` is told the exit code. */
export function register(parser: Argv, command: Command, done: (code: ExitCode) => void): Argv {
  const {
    usage,
    aliases = [],
    describe,
    positionals = {},
    options = {},
    examples,
    subcommands = [],
    stopsSafely,
  } = command;
  const run = command.run?.bind(command);
  return parser.command(
    [usage, ...aliases],
    describe,
    (inner) => {
      for (const [name, positional] of Object.entries(positionals)) inner.positional(name, positional);
      inner.options(options);
      for (const [example, text] of examples) inner.example(example, text);
      for (const subcommand of subcommands) register(inner, subcommand, done);
      if (!run) inner.demandCommand(1, `a subcommand is missing: ${subcommands.map(nameOf).join(', ')}`);
      return inner;
    },
    async (args: Args) => {
      if (!run) return;
      checkValues(args, options);
      useNatsFlags(args);
      const work = () => run(args, createOutput(args));
      done(await (stopsSafely ? interruptible(work) : work()));
    },
  );
}

/** yargs lets a number that is none, and a flag that is given twice, pass. */
function checkValues(args: Args, options: Record<string, Options>): void {
  for (const [name, { type, array }] of Object.entries(options)) {
    const value = args[name];
    if (Array.isArray(value) && !array) {
      throw usageError(`--${name} is given ${value.length} times`, 'give it once');
    }
    if (type === 'number' && value !== undefined && !Number.isFinite(value)) {
      throw usageError(`--${name} needs a number`, `for example --${name} ${options[name]!.default ?? 1}`);
    }
    if (type === 'string' && options[name]!.requiresArg !== false && value === '')
      throw usageError(`--${name} is empty`, 'give it a value or leave it out');
  }
}

/** The command that the first words of `argv` name, with the commands below it. */
function reach(argv: readonly string[], commands: readonly Command[]) {
  let reached: Command | undefined;
  let level = commands;
  for (const word of argv) {
    const next = level.find(({ aliases = [], ...command }) => [nameOf(command), ...aliases].includes(word));
    if (!next) break;
    reached = next;
    level = next.subcommands ?? [];
  }
  return { reached, level };
}

/** What the shell may complete the last of `words` to, where the command has something to say about its positional. */
export function completions(
  words: readonly string[],
  commands: readonly Command[],
): readonly string[] | undefined {
  const current = words.at(-1) ?? '';
  if (current.startsWith('-')) return undefined;
  const { reached } = reach(words.slice(0, -1), commands);
  return reached?.complete?.().filter((value) => value.startsWith(current));
}

/** The error for what yargs did not understand, with "did you mean" from the command that `argv` reached. */
export function misunderstood(message: string, argv: readonly string[], commands: readonly Command[]) {
  const { reached, level } = reach(argv, commands);
  const help = `see rxnas ${reached ? `${argv.slice(0, argv.indexOf(nameOf(reached)) + 1).join(' ')} ` : ''}--help`;
  const unknown = /^Unknown (?:argument|command)s?: ([^,]+)/.exec(message)?.[1];
  if (!unknown)
    return usageError(message.charAt(0).toLowerCase() + message.slice(1).replaceAll('\n', ' '), help);

  const isFlag = argv.some(
    (word) => word === `--${unknown}` || word.startsWith(`--${unknown}=`) || word === `-${unknown}`,
  );
  const known = isFlag
    ? [...Object.keys(reached?.options ?? {}), 'json', 'quiet', 'help', 'version']
    : level.map(nameOf);
  const near = suggest(unknown, known);
  const dash = isFlag ? '--' : '';
  const what = isFlag ? 'flag' : reached && level.length === 0 ? 'argument' : 'command';
  return usageError(
    `unknown ${what} '${dash}${unknown}'`,
    near ? `did you mean '${dash}${near}'? Or ${help}` : help,
  );
}

/** The value of a flag, where it is a whole number in a range. */
export function wholeNumber(name: string, value: number, least = 1, most = 2 ** 31): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw usageError(`--${name} is ${value}`, `give a whole number from ${least} to ${most}`);
}
