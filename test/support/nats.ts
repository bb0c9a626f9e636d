import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** The version of the `nats-server` in the path, or undefined: tests that need it then skip, visibly (`describe.skipIf(!natsServer)`). */
export const natsServer: string | undefined = (() => {
  try {
    return /v(\S+)/.exec(execFileSync('nats-server', ['--version'], { encoding: 'utf8' }))?.[1];
  } catch {
    return undefined;
  }
})();

export interface TestServerOptions {
  /** Lines for its configuration: authorization, tls, limits. */
  config?: string;
  /** Folder of the store; default a new one that goes with the server. */
  store?: string;
  /** False: without JetStream. */
  jetstream?: boolean;
  /** Lines for `jetstream {}`: max_file, max_mem. */
  limits?: string;
  /** Loopback address to listen on; default 127.0.0.1. */
  host?: string;
  /** Command that starts it, e.g. `['ip', 'netns', 'exec', NAME]`. */
  within?: readonly string[];
  port?: number;
}

/** A real nats-server of a test, on a free loopback port. */
export class TestServer {
  #child: ChildProcess | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'rxnas-nats-'));
  readonly store: string;
  /** What it said. */
  log = '';

  private constructor(
    readonly host: string,
    readonly port: number,
    readonly options: TestServerOptions,
  ) {
    this.store = options.store ?? join(this.#folder, 'store');
  }

  /** Starts one and waits until it is ready. Outside of a test's own function, call {@link stop}. */
  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const { host = '127.0.0.1' } = options;
    const server = new TestServer(host, options.port ?? (await freePort()), options);
    await server.#launch();
    return server;
  }

  get url(): string {
    return `nats://${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async #launch() {
    const { jetstream = true, limits = '', config = '', within = [] } = this.options;
    const file = join(this.#folder, 'server.conf');
    writeFileSync(
      file,
      [
        `listen: "${this.host}:${this.port}"`,
        jetstream ? `jetstream { store_dir: "${this.store}"\n${limits}\n}` : '',
        config,
      ].join('\n'),
    );
    const [command, ...args] = [...within, 'nats-server', '-c', file];
    const child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.log += text;
    });
    const began = this.log.length;
    while (!this.log.slice(began).includes('Server is ready')) {
      if (child.exitCode !== null) throw new Error(`nats-server has ended:\n${this.log.slice(began)}`);
      await setTimeout(10);
    }
    if (within.length === 0) await answers(this.host, this.port);
  }

  async #end(signal: NodeJS.Signals) {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** kill -9; the store stays. */
  kill9 = () => this.#end('SIGKILL');

  /** Starts it again on its store and port. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.#launch();
  }

  /** Stops it and removes its store. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A server for the length of one test. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await TestServer.start(options);
  onTestFinished(() => server.stop());
  return server;
}

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(host: string, port: number) {
  for (let attempt = 0; attempt < 500; attempt++) {
    const socket = createConnection(port, host);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await setTimeout(10);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on ${host}:${port}`);
}
