import { availableParallelism } from 'node:os';
import { publicAddress } from '../nats/address.js';
import { unknownName } from '../suggest.js';
import type { Executor } from './executor.js';
import { type AnyMessages, processesFor } from './kind.js';
import { LocalExecutor } from './localExecutor.js';

/** Words for where work is carried out; the third is the address of a server: `nats://host:4222`. */
export const executorWords = ['local', 'processes', 'nats://HOST:PORT'] as const;

export interface ExecutorNeeds<Work> {
  /** Units at once; default: one a core, or as many as keep many workers busy. */
  slots?: number | undefined;
  /** How often a unit is begun whose process dies. */
  attempts: number;
  /** Told of each attempt that failed so. */
  onCrash?: (reason: string, work: Work, failures: number) => void;
}

/** Where the work of one run is carried out. */
export interface Executors {
  /** The word that chose it. */
  readonly on: string;
  /** An executor of a kind of work; whoever opens it closes it. */
  open<Work, Result>(
    kind: AnyMessages<Work, Result>,
    needs: ExecutorNeeds<Work>,
  ): Promise<Executor<Work, Result>>;
}

export interface ExecutorsOptions {
  /** Name of the run; asked for when the first work comes. */
  run(): string;
  onNote?: (line: string) => void;
}

const isServer = (on: string) => /^(nats|tls):/.test(on);

/** Whether a word means other machines. */
export const isElsewhere = isServer;

/** The word, where it is one of {@link executorWords}. Throws exit code 2 for another one, and for an address with a secret in it. */
export function executorWord(on: string): string {
  if (isServer(on)) publicAddress(on, 'the executor');
  else if (on !== 'local' && on !== 'processes') throw unknownName('executor', on, executorWords);
  return on;
}

/**
 * The executors that a word stands for ({@link executorWords}). What is computed is the same on all of them. Throws as {@link executorWord};
 * `open` rejects where a server cannot be reached or used.
 */
export function executorsOn(word: string, { run, onNote }: ExecutorsOptions): Executors {
  const on = executorWord(word);
  if (on === 'local') return { on, open: async (kind, needs) => new LocalExecutor(kind, needs) };
  if (on === 'processes') {
    return {
      on,
      open: async (kind, { slots = availableParallelism(), ...needs }) =>
        processesFor(kind, { slots, ...needs }),
    };
  }
  return {
    on,
    async open(kind, needs) {
      const { openNatsExecutor } = await import('../nats/natsExecutor.js');
      return openNatsExecutor(kind, { url: on, run, ...needs, ...(onNote && { onNote }) });
    },
  };
}
