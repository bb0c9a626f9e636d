/**
 * `npm run nats`: a real nats-server with JetStream, of this machine's own package or by docker, until Ctrl-C. Its configuration is
 * scripts/nats/server.conf, its store .cache/nats (`.cache/nats-PORT` where it is told another port); what stands behind `--` is handed to nats-server and stands above the file (`-p 4333`).
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const config = join(root, 'scripts/nats/server.conf');
const args = process.argv.slice(2);
const say = (line) => process.stderr.write(`nats: ${line}\n`);

// Debian has it where only root's path leads.
const path = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter);
const works = (command, ...options) =>
  spawnSync(command, options, { env: { ...process.env, PATH: path } }).status === 0;

const port = args[args.findIndex((arg) => ['-p', '--port'].includes(arg)) + 1 || args.length] ?? '4222';
const url = `nats://127.0.0.1:${port}`;
// Two servers may not share a store.
const store = join(root, '.cache', port === '4222' ? 'nats' : `nats-${port}`);
const named = 'rxnas-nats';

function command() {
  if (works('nats-server', '--version')) return ['nats-server', '-c', config, '-sd', store, ...args];
  if (works('docker', 'info')) {
    const mounts = ['-v', `${config}:/etc/nats/server.conf:ro`, '-v', `${store}:/data`];
    const inside = ['-c', '/etc/nats/server.conf', '-sd', '/data', '-a', '0.0.0.0', ...args];
    return [
      'docker',
      'run',
      '--rm',
      '--name',
      named,
      '-p',
      `127.0.0.1:${port}:${port}`,
      ...mounts,
      'nats:2',
      ...inside,
    ];
  }
  say('there is neither nats-server nor a docker that answers here');
  say(
    'install one: apt-get install nats-server, brew install nats-server, or the binary from https://github.com/nats-io/nats-server/releases',
  );
  process.exit(1);
}

mkdirSync(store, { recursive: true });
const [program, ...options] = command();
const server = spawn(program, options, {
  stdio: ['ignore', 'ignore', 'pipe'],
  env: { ...process.env, PATH: path },
});
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping = true;
    server.kill('SIGTERM');
  });
}

let log = '';
let ready = false;
server.stderr.setEncoding('utf8').on('data', (text) => {
  log = (log + text).slice(-100_000);
  if (ready || !log.includes('Server is ready')) return;
  ready = true;
  process.stdout.write(`${url}\n`);
  say(`${program} listens on ${url}, its store is ${store}; Ctrl-C stops it`);
});
server.on('error', (error) => {
  say(`${program} cannot be started: ${error.message}`);
  process.exit(1);
});
server.on('close', (code) => {
  if (stopping) process.exit(0);
  const fault = log.split('\n').findLast((line) => /\[(ERR|FTL)\]|nats-server:/.test(line));
  say(
    /address already in use/.test(log)
      ? `port ${port} is taken, perhaps by another server: give one with -- -p PORT`
      : (fault ?? `${program} has ended`),
  );
  process.exit(code || 1);
});
