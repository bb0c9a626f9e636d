import { type ChildProcess, fork } from 'node:child_process';
import { type ExitCode, failure, RxnasError } from '../../errors.js';
import type { CellCode } from '../../space/space.js';
import { besideModule } from '../../workers.js';
import type { Protocol } from './protocol.js';

export interface TrainingJob {
  /** Canonical code of a nasbench101 cell. */
  cell: CellCode;
  /** Repeats of a cell differ in initial weights and order of the images. */
  repeat: number;
}

/** One finished training. Accuracies are in [0, 1], NaN where it diverged. */
export interface Training extends TrainingJob {
  validation: number;
  test: number;
  /** Trainable parameters of the network. */
  parameters: number;
  /** CPU seconds of the training without evaluation. */
  seconds: number;
}

export interface TrainerOptions {
  protocol: Protocol;
  /** Folder of the four IDX files. */
  folder: string;
}

export type Request = ({ kind: 'start' } & TrainerOptions) | ({ kind: 'train' } & TrainingJob);

export type Reply =
  | { kind: 'ready' }
  | { kind: 'trained'; training: Training }
  | { kind: 'failed'; message: string; known: { hint: string; exitCode: ExitCode } | undefined };

/** What trains cells one at a time: a {@link Trainer}, or another one in tests. */
export interface JobTrainer {
  train(job: TrainingJob): Promise<Training>;
  stop(): void;
}

/**
 * A process of its own that trains cells one at a time, with one thread: two of them train twice as much as one with two
 * threads, and results do not depend on the number of cores.
 */
export class Trainer implements JobTrainer {
  readonly #process: ChildProcess;
  #pending: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;

  readonly #ready: Promise<unknown>;

  /** Starts the process at once; whatever hinders it is reported by the first {@link train}. */
  constructor(options: TrainerOptions) {
    this.#process = fork(besideModule(import.meta.url, './trainerProcess.js'), [], {
      // NaN accuracies survive this serialisation.
      serialization: 'advanced',
      // A network's tensors come and go thousands of times a second: keep their pages instead of giving them back.
      env: {
        ...process.env,
        MALLOC_MMAP_MAX_: '0',
        MALLOC_TOP_PAD_: `${64 << 20}`,
        MALLOC_TRIM_THRESHOLD_: `${1 << 30}`,
      },
      execArgv: [],
    });
    this.#process.on('message', (reply: Reply) => {
      const pending = this.#pending;
      this.#pending = undefined;
      pending?.resolve(reply);
    });
    this.#process.on('error', (error) => this.#fail(error));
    this.#process.on('exit', (code, signal) =>
      this.#fail(
        failure(
          `a training process ended (${signal ?? `exit code ${code}`})`,
          'run the command again, it goes on where it stopped; with little memory use fewer processes',
        ),
      ),
    );
    this.#ready = this.#request({ kind: 'start', ...options });
    this.#ready.catch(() => {});
  }

  /** Train one cell; one call at a time. */
  async train(job: TrainingJob): Promise<Training> {
    await this.#ready;
    const reply = await this.#request({ kind: 'train', cell: job.cell, repeat: job.repeat });
    if (reply.kind !== 'trained') throw new Error(`unexpected reply ${reply.kind}`);
    return reply.training;
  }

  /** End the process, also in the middle of a training. */
  stop(): void {
    this.#process.kill('SIGKILL');
  }

  async #request(request: Request): Promise<Reply> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#process.send(request, (error) => error && this.#fail(error));
    });
    if (reply.kind !== 'failed') return reply;
    if (!reply.known) throw new Error(reply.message);
    throw new RxnasError(reply.message, reply.known.hint, reply.known.exitCode);
  }

  #fail(error: Error): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}
