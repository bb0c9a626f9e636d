import { availableParallelism } from 'node:os';
import { RxnasError } from '../errors.js';
import { version } from '../version.js';
import type { StandardEngineName } from './engine.js';
import { openEngine, standardEngineNames } from './index.js';

/** Something that would make rxnas faster or let it run at all, and how to get it. */
export interface Missing {
  what: string;
  /** What happened when it was looked for. */
  why: string;
  fix: string;
}

/** What computes on this machine. As JSON it is the answer of `rxnas doctor --json`. */
export class Diagnosis {
  constructor(
    /** The engine that `auto` chooses, or null where none works. */
    readonly engine: StandardEngineName | null,
    readonly reason: string,
    /** Threads that a step uses by default, and the machine's cores. */
    readonly threads: number,
    readonly cores: number,
    readonly platform: string,
    readonly versions: { rxnas: string; node: string; tfjs: string | null; libtensorflow: string | null },
    /** Whether each engine starts. */
    readonly engines: Record<StandardEngineName, boolean>,
    readonly missing: readonly Missing[],
  ) {}

  /** For people. */
  get lines(): string[] {
    const { rxnas, node, tfjs, libtensorflow } = this.versions;
    const native = tfjs ? `tfjs-node ${tfjs} on libtensorflow ${libtensorflow}` : 'no tfjs-node';
    return [
      `engine     ${this.engine ?? 'none'} (${this.reason})`,
      `threads    ${this.threads} of ${this.cores} cores`,
      `versions   rxnas ${rxnas}, node ${node} (${this.platform}), ${native}`,
      ...standardEngineNames.map(
        (name) => `${name.padEnd(10)} ${this.engines[name] ? 'starts' : 'does not start'}`,
      ),
      ...this.missing.flatMap(({ what, why, fix }) => [
        `missing    ${what}: ${why}`,
        `           fix: ${fix}`,
      ]),
      ...(this.missing.length === 0 ? ['missing    nothing'] : []),
    ];
  }
}

/** Starts every engine and looks at what it rests on; never rejects. Takes about a second where tfjs-node loads. */
export async function diagnose(): Promise<Diagnosis> {
  const missing: Missing[] = [];
  const engines = {} as Record<StandardEngineName, boolean>;
  const threads = {} as Record<StandardEngineName, number>;
  for (const name of standardEngineNames) {
    try {
      const engine = await openEngine(name);
      threads[name] = engine.threads;
      await engine.dispose();
      engines[name] = true;
    } catch (error) {
      engines[name] = false;
      missing.push({ what: `the ${name} engine`, ...explain(error) });
    }
  }
  const { canStartThreads, tfjsVersions } = await import('./tfjs/index.js');
  if (engines.tfjs && !canStartThreads && availableParallelism() > 1) {
    missing.push({
      what: 'worker threads of the tfjs engine',
      why: 'they run compiled code, and dist/ has none',
      fix: 'run `npm run build`',
    });
  }
  const engine = standardEngineNames.find((name) => engines[name]) ?? null;
  return new Diagnosis(
    engine,
    engine === 'tfjs' ? 'tfjs-node loads' : engine ? missing[0]!.why : 'no engine starts',
    engine ? threads[engine] : 0,
    availableParallelism(),
    `${process.platform} ${process.arch}`,
    {
      rxnas: version,
      node: process.versions.node,
      ...(engines.tfjs ? await tfjsVersions() : { tfjs: null, libtensorflow: null }),
    },
    engines,
    missing,
  );
}

function explain(error: unknown): { why: string; fix: string } {
  if (error instanceof RxnasError) return { why: error.message, fix: error.hint };
  const why = error instanceof Error ? error.message : String(error);
  return { why, fix: 'this is unexpected: report it with the output of `rxnas doctor --json`' };
}
