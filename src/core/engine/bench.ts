import { nasbench101Controller as config } from '../controller/config.js';
import { initialWeights } from '../controller/weights.js';
import { stream } from '../random/random.js';
import type { Controller, StandardEngineName } from './engine.js';
import { openEngine, standardEngineNames } from './index.js';

/** What {@link benchEngines} times; in milliseconds, the shortest time of one. */
export interface EngineTimes {
  /** Eq. 1 forward and backward, clipping, SGD, on 64 sequences. */
  search: number;
  /** Eq. 2 without a metric loss, encoder and decoder forward and backward, SGD, on 512 sequences. */
  pretraining: number;
  /** NAO's move of 128 sequences and greedy decoding. */
  proposals: number;
}
type Work = keyof EngineTimes;
const works: readonly Work[] = ['search', 'pretraining', 'proposals'];
const described: Record<Work, string> = {
  search: 'search step, batch 64',
  pretraining: 'pretraining step, batch 512',
  proposals: '128 proposals',
};

/** How fast the engines that load are on this machine. As JSON it is `bench` in the answer of `rxnas doctor --bench --json`. */
export class EngineBench {
  constructor(
    readonly engines: { readonly [name in StandardEngineName]?: EngineTimes & { threads: number } },
    /** The engine whose figures are the smaller ones on the whole (geometric mean); null where none loads. */
    readonly faster: StandardEngineName | null,
    /** How many times faster than the other one; null where only one loads. */
    readonly factor: number | null,
  ) {}

  /** For people. */
  get lines(): string[] {
    const names = standardEngineNames.filter((name) => this.engines[name]);
    const ms = (name: StandardEngineName, work: Work) => `${this.engines[name]![work].toFixed(2)} ms`;
    return [
      ...works.map(
        (work) =>
          `bench      ${described[work].padEnd(28)}${names.map((name) => `${name} ${ms(name, work)}`).join('   ')}`,
      ),
      `faster     ${this.#verdict(names)}`,
    ];
  }

  #verdict(names: readonly StandardEngineName[]): string {
    if (this.faster === null) return 'no engine loads';
    if (this.factor === null) return `${this.faster}, the only engine that loads`;
    const threads = names.map((name) => `${name} on ${this.engines[name]!.threads}`).join(', ');
    return `${this.faster}, ${this.factor.toFixed(2)} times on the whole (threads: ${threads})`;
  }
}

/**
 * Times every engine that loads, with its own choice of threads, on a new controller for NASBench-101. The works are done in turns, one
 * engine after the other, so that what else the machine does meets all of them.
 *
 * @param seconds how long the timing takes, for all engines together; every work is done at least twice, and the first time does not count
 */
export async function benchEngines(seconds = 7): Promise<EngineBench> {
  const opened: { name: StandardEngineName; threads: number; works: Record<Work, () => Promise<unknown>> }[] =
    [];
  const closers: (() => unknown)[] = [];
  try {
    for (const name of standardEngineNames) {
      // What keeps an engine from loading is told by `diagnose`.
      const engine = await openEngine(name).catch(() => undefined);
      if (!engine) continue;
      closers.push(() => engine.dispose());
      const controller = await engine.controller(config, initialWeights(config, 1));
      closers.push(() => controller.dispose());
      opened.push({ name, threads: engine.threads, works: worksOf(controller) });
    }
    const engines: { [name in StandardEngineName]?: EngineTimes & { threads: number } } = {};
    for (const { name, threads, works: each } of opened) {
      for (const work of works) await each[work]();
      engines[name] = { threads, search: Infinity, pretraining: Infinity, proposals: Infinity };
    }
    const end = performance.now() + 1000 * seconds;
    do {
      for (const { name, works: each } of opened) {
        for (const work of works) {
          const start = performance.now();
          await each[work]();
          engines[name]![work] = Math.min(engines[name]![work], performance.now() - start);
        }
      }
    } while (performance.now() < end && opened.length > 0);
    return judge(engines);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function judge(engines: EngineBench['engines']): EngineBench {
  const geometric = (name: StandardEngineName) =>
    works.reduce((product, work) => product * engines[name]![work], 1) ** (1 / works.length);
  const [best, next] = standardEngineNames
    .filter((name) => engines[name])
    .map((name) => ({ name, ms: geometric(name) }))
    .sort((a, b) => a.ms - b.ms);
  return new EngineBench(engines, best?.name ?? null, best && next ? next.ms / best.ms : null);
}

/** The works on random tokens: what they are does not change the time. Weights stay as they are. */
function worksOf(controller: Controller): Record<Work, () => Promise<unknown>> {
  const random = stream(1, 'doctor', 'bench');
  const tokens = (rows: number) =>
    Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary));
  const few = tokens(64);
  const many = tokens(512);
  const seeds = tokens(128);
  const targets = Float32Array.from({ length: 64 }, () => random.float());
  return {
    search: () => controller.searchStep(few, { targets, tradeoff: 0.5, learningRate: 0, clipNorm: 5 }),
    async pretraining() {
      const activations = await controller.encode(many);
      try {
        await controller.pretrainStep(activations, { learningRate: 0 });
      } finally {
        activations.dispose();
      }
    },
    proposals: () => controller.propose(seeds, 1),
  };
}
