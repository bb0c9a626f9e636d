import type { ZodType } from 'zod';
import { ProcessExecutor, type ProcessExecutorOptions } from './processExecutor.js';

/** Files that go with units of work and their results between machines. */
export interface WorkFiles {
  /**
   * Makes content known to the other machines and gives what stands for it in messages. The same content is sent once.
   *
   * @param file a file of this machine, or what gives its content, under a name that is its own
   */
  send(file: string | { name: string; content(): Uint8Array }): Promise<string>;
  /** The file of this machine that holds what was sent under a reference. Rejects with exit code 3 where it is not there or damaged. */
  fetch(reference: string): Promise<string>;
}

/** What stands for a file in messages: its SHA-256 and its length. */
export const fileReference = /^object:[0-9a-f]{64}:\d{1,15}$/;

/**
 * A kind of work that workers know: how a unit is checked, carried out and answered. Work and results are plain data; messages name a kind and
 * bring a unit, never code.
 *
 * `Message` and `Sent` are work and results as messages hold them, with references in place of files.
 */
export interface WorkKind<Work, Result, Message = Work, Sent = Result> {
  /** As messages name it: `training`. */
  readonly name: string;
  readonly summary: string;
  /** What a unit from a message has to be. Files are references in it ({@link fileReference}), so that no message names a file of a worker. */
  readonly message: ZodType<Message>;
  /** What a result in a message has to be, for a unit. */
  result(work: Work): ZodType<Sent>;
  /** A unit's name for people. */
  describe(work: Work | Message): string;
  /** What carries it out in this process, loaded when it is asked for. */
  load(): Promise<(work: Work) => Promise<Result>>;
  /** Compiled module that serves it in a process of its own, and what that has in its environment. */
  readonly script: URL;
  readonly env?: Record<string, string>;
  /** A unit with its files sent, as a message holds it; absent where it has none. */
  toMessage?(work: Work, files: WorkFiles): Promise<Message>;
  /** The other way round, on a worker. */
  fromMessage?(message: Message, files: WorkFiles): Promise<Work>;
  /** The same of a result. */
  resultToMessage?(result: Result, files: WorkFiles): Promise<Sent>;
  resultFromMessage?(sent: Sent, files: WorkFiles): Promise<Result>;
}

/** A kind of work, whatever its messages look like. */
// biome-ignore lint/suspicious/noExplicitAny: only the kind itself looks into its messages
export type AnyMessages<Work, Result> = WorkKind<Work, Result, any, any>;

/** Carries out units of a kind in processes of this machine. */
export const processesFor = <Work, Result>(
  { script, env, describe }: AnyMessages<Work, Result>,
  options: Pick<ProcessExecutorOptions<Work>, 'slots' | 'attempts' | 'onCrash'>,
) => new ProcessExecutor<Work, Result>({ script, ...(env && { env }), describe, ...options });
