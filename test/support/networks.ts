import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { onTestFinished } from 'vitest';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Whether this process may make network namespaces (root on Linux). */
export const hasNamespaces = (() => {
  const name = `rxnas-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return true;
  } catch {
    return false;
  }
})();

/** A machine of its own, as far as the network goes. */
export interface Machine {
  /** What a command begins with to run there. */
  within: readonly string[];
  /** Address of the hub, as this machine sees it. */
  hub: string;
  /** Takes its cable out, or puts it back. */
  connect(isConnected: boolean): void;
}

/**
 * A hub and machines around it, each with a cable of its own, in network namespaces that go with the test. Nothing leads out of
 * them.
 */
export function network(machines: number): { hub: { within: readonly string[] }; machines: Machine[] } {
  const base = `rxnas${randomInt(1e6)}`;
  const hub = `${base}-hub`;
  const names = [hub];
  const make = (name: string) => {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  };
  onTestFinished(() => {
    for (const name of names) ip('netns', 'del', name);
  });
  make(hub);
  const within = (name: string) => ['ip', 'netns', 'exec', name];
  return {
    hub: { within: within(hub) },
    machines: Array.from({ length: machines }, (_, i) => {
      const name = `${base}-${i}`;
      names.push(name);
      make(name);
      // Cable i from the hub to eth0 of the machine, in a small network of their own.
      ip('link', 'add', `cable${i}`, 'netns', hub, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('-n', hub, 'addr', 'add', `10.213.${i}.1/24`, 'dev', `cable${i}`);
      ip('-n', name, 'addr', 'add', `10.213.${i}.2/24`, 'dev', 'eth0');
      ip('-n', hub, 'link', 'set', `cable${i}`, 'up');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      return {
        within: within(name),
        hub: `10.213.${i}.1`,
        connect: (isConnected) => ip('-n', hub, 'link', 'set', `cable${i}`, isConnected ? 'up' : 'down'),
      };
    }),
  };
}
