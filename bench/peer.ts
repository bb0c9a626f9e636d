import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Weights } from '../src/core/controller/config.js';
import type { Figures, PeerWork, Sample } from './work.js';

/** PyTorch and pytorch-metric-learning in a process of their own, spoken to in lines of JSON; see peer/server.py. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(python: string, server: string) {
    this.#child = spawn(python, ['-W', 'ignore', server], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(root: string, weights: Weights): Promise<Peer> {
    const peer = new Peer(interpreter(root), join(root, 'bench', 'peer', 'server.py'));
    await peer.#ask({
      ask: 'weights',
      weights: Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, [...values]])),
    });
    return peer;
  }

  versions(): Promise<Record<string, string>> {
    return this.#ask({ ask: 'versions' });
  }

  /** Whether the peer has this work, and the figures of a first iteration. */
  prepare(work: PeerWork, threads: number): Promise<{ known: boolean; figures: Figures }> {
    return this.#ask({ ask: 'prepare', work, threads });
  }

  /** Times iterations of what was prepared last. */
  async run(iterations: number): Promise<Sample[]> {
    return (await this.#ask<{ samples: Sample[] }>({ ask: 'run', iterations })).samples;
  }

  stop(): void {
    this.#child.stdin!.end();
  }

  async #ask<T>(request: object): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the peer has ended: run bench/peer/check.py with its Python to see why');
    return JSON.parse(value);
  }
}

/** `RXNAS_PEER_PYTHON` where that is set, else an environment under .cache, which is made at the first use (some 2 GB). */
function interpreter(root: string): string {
  const given = process.env.RXNAS_PEER_PYTHON;
  if (given) return given;
  const folder = join(root, '.cache', 'peer');
  const python = join(folder, 'bin', 'python');
  const ready = join(folder, 'ready');
  if (!existsSync(ready)) {
    const pip = (...args: string[]) =>
      execFileSync(python, ['-m', 'pip', 'install', '-q', ...args], { stdio: ['ignore', 2, 2] });
    process.stderr.write('installing the peer under .cache/peer\n');
    execFileSync('python3', ['-m', 'venv', folder], { stdio: ['ignore', 2, 2] });
    pip('-r', join(root, 'bench', 'peer', 'requirements.txt'));
    pip('--no-deps', 'pytorch-metric-learning==0.9.88');
    execFileSync(python, ['-c', `open(${JSON.stringify(ready)}, 'w')`]);
  }
  return python;
}
