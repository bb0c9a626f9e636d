import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { RxnasError } from '../errors.js';
import { closedError, type Executor, GivenUp } from './executor.js';
import type { Reply } from './serve.js';

export interface ProcessExecutorOptions<Work> {
  /** Compiled module that calls `serve`. */
  script: URL;
  /** Processes, started as there is work for them; each does one unit at a time. */
  slots: number;
  /** How often a unit is begun, each time in a fresh process after the one before has died over it, until it is given up. */
  attempts: number;
  /** A unit's name in messages. */
  describe(work: Work): string;
  /** Environment of the processes on top of this one's. */
  env?: Record<string, string>;
  /** Told of each process that died over a unit: why, and how often this unit has had that. */
  onCrash?: (reason: string, work: Work, failures: number) => void;
}

interface Task<Work, Result> {
  work: Work;
  attempts: number;
  failures: number;
  resolve(result: Result): void;
  reject(error: Error): void;
}

/**
 * Carries out work in worker processes. A process that dies is noticed and its unit given to another one. Idle processes keep nobody's event
 * loop alive, and all of them end when this process does, however it ends.
 */
export class ProcessExecutor<Work, Result> implements Executor<Work, Result> {
  readonly #options: ProcessExecutorOptions<Work>;
  readonly #waiting: Task<Work, Result>[] = [];
  readonly #processes = new Set<WorkerProcess<Work, Result>>();
  readonly #idle: WorkerProcess<Work, Result>[] = [];
  #closed = false;

  constructor(options: ProcessExecutorOptions<Work>) {
    this.#options = options;
  }

  get slots(): number {
    return this.#options.slots;
  }

  /** Process ids of the workers that run now. */
  get pids(): number[] {
    return [...this.#processes].map(({ pid }) => pid);
  }

  /** @param attempts instead of those of the options */
  run(work: Work, attempts = this.#options.attempts): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      this.#waiting.push({ work, attempts, failures: 0, resolve, reject });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
    await Promise.all(Array.from(this.#processes, (process) => process.end()));
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const process = this.#idle.pop() ?? this.#start();
      if (!process) return;
      void this.#carryOut(process, this.#waiting.shift()!);
    }
  }

  /** One more process, or undefined where there are enough. */
  #start(): WorkerProcess<Work, Result> | undefined {
    const { script, env, slots } = this.#options;
    if (this.#processes.size >= slots) return undefined;
    const process = new WorkerProcess<Work, Result>(script, env, () => this.#remove(process));
    this.#processes.add(process);
    return process;
  }

  #remove(process: WorkerProcess<Work, Result>): void {
    this.#processes.delete(process);
    const place = this.#idle.indexOf(process);
    if (place >= 0) this.#idle.splice(place, 1);
  }

  async #carryOut(process: WorkerProcess<Work, Result>, task: Task<Work, Result>): Promise<void> {
    try {
      const reply = await process.run(task.work);
      if ('crash' in reply) throw new Error(reply.crash);
      this.#idle.push(process);
      if ('result' in reply) task.resolve(reply.result);
      else task.reject(new RxnasError(reply.error.message, reply.error.hint, reply.error.exitCode));
    } catch (error) {
      await process.end(); // whatever state it is in
      this.#failed(task, (error as Error).message);
    }
    this.#assign();
  }

  #failed(task: Task<Work, Result>, reason: string): void {
    if (this.#closed) {
      task.reject(closedError());
      return;
    }
    const { describe, onCrash } = this.#options;
    task.failures++;
    onCrash?.(reason, task.work, task.failures);
    if (task.failures < task.attempts) {
      this.#waiting.unshift(task);
      return;
    }
    task.reject(new GivenUp(describe(task.work), task.failures, reason));
  }
}

/** Bytes of a worker's stderr that are kept for the message about its death. */
const tail = 2000;

/** One worker process, which answers one unit at a time. */
class WorkerProcess<Work, Result> {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #pending: { resolve(reply: Reply<Result>): void; reject(error: Error): void } | undefined;
  #said = '';

  constructor(script: URL, env: Record<string, string> | undefined, onExit: () => void) {
    this.#child = fork(script, [], {
      serialization: 'advanced', // NaN survives it
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
      execArgv: [],
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-tail);
    });
    this.#child.on('message', (reply: Reply<Result>) => this.#settle()?.resolve(reply));
    this.#child.on('error', (error) => this.#settle()?.reject(error));
    this.#exited = new Promise((resolve) => {
      const gone = (how: string) => {
        onExit();
        const said = this.#said.trim();
        this.#settle()?.reject(new Error(`a worker process ended (${how})${said && `: ${said}`}`));
        resolve();
      };
      this.#child.once('close', (code, signal) => gone(signal ?? `exit code ${code}`));
      // One that could not be started at all never closes.
      this.#child.once('error', (error) => this.#child.pid === undefined && gone(error.message));
    });
    this.#keepAlive(false);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  run(work: Work): Promise<Reply<Result>> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#keepAlive(true);
      // One that does not listen any more is about to end, and says how.
      this.#child.send(work as object, (error) => error && this.#child.kill('SIGKILL'));
    });
  }

  /** End it, also in the middle of its work; resolves when it is gone. */
  async end(): Promise<void> {
    this.#keepAlive(true);
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #settle() {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#keepAlive(false);
    return pending;
  }

  /** Whether this process goes on for as long as the worker does. */
  #keepAlive(yes: boolean): void {
    const handles = [this.#child, this.#child.channel, this.#child.stderr as Socket | null];
    for (const handle of handles) yes ? handle?.ref() : handle?.unref();
  }
}
