import { nasbench101Controller as config } from '../src/core/controller/config.js';
import { initialWeights } from '../src/core/controller/weights.js';
import type { Controller, Engine, EngineName } from '../src/core/engine/engine.js';
import { openEngine } from '../src/core/engine/index.js';
import { controllerWorks } from './controller.js';
import { lossWorks } from './losses.js';
import { Peer } from './peer.js';
import { spaceWorks } from './space.js';
import { type Contestant, contestant, type Figures, type Iteration, inTurns, type Work } from './work.js';

/** One line of the comparison; times in milliseconds, null where there is no peer. */
export interface Row {
  work: string;
  /** `none` for work that needs no engine. */
  engine: EngineName | 'none';
  threads: number;
  /** Medians and their ratio, peer to ours. */
  ours_ms: number;
  peer_ms: number | null;
  ratio: number | null;
  ours_min_ms: number;
  peer_min_ms: number | null;
  min_ratio: number | null;
  /** Medians of the processor's time, all threads, and their ratio: what to compare on a busy machine. */
  ours_cpu_ms: number;
  peer_cpu_ms: number | null;
  cpu_ratio: number | null;
  iterations: number;
  peer_iterations: number;
}

export interface CompareOptions {
  root: string;
  /** Part of the name of the works to time; default: all. */
  only: string;
  engines: readonly EngineName[];
  threads: readonly number[];
  iterations: number;
  peer: boolean;
  peerIterations: number;
  onRow(row: Row): void;
  onNote(line: string): void;
}

/** Times every work on every engine and the peer in turns, on each number of threads. */
export async function compare(options: CompareOptions): Promise<Row[]> {
  const { root, only, threads: counts, onNote } = options;
  const chosen = <T>(works: readonly Work<T>[]) => works.filter(({ name }) => name.includes(only));
  const plain = chosen([...spaceWorks, ...lossWorks]);
  const onEngines = chosen(controllerWorks);
  const wanted = [...plain, ...onEngines].some(({ peer }) => peer);
  const peer = options.peer && wanted ? await Peer.start(root, initialWeights(config, 1)) : undefined;
  const rows: Row[] = [];
  const add = (more: Row[]) => {
    for (const row of more) options.onRow(row);
    rows.push(...more);
  };
  try {
    if (peer)
      onNote(
        `peer: ${Object.entries(await peer.versions())
          .flat()
          .join(' ')}`,
      );
    for (const work of plain) {
      add(await compareOne(work, [['none', await work.prepare()]], 1, peer, options));
    }
    for (const threads of onEngines.length > 0 ? counts : []) {
      const opened = await open(options, threads);
      try {
        for (const work of onEngines) {
          const ours: [EngineName, Iteration][] = [];
          for (const [{ name }, controller] of opened) ours.push([name, await work.prepare(controller)]);
          add(await compareOne(work, ours, threads, peer, options));
        }
      } finally {
        for (const [engine, controller] of opened) {
          controller.dispose();
          await engine.dispose();
        }
      }
    }
  } finally {
    peer?.stop();
  }
  return rows;
}

async function open({ engines, onNote }: CompareOptions, threads: number) {
  const opened: [Engine, Controller][] = [];
  for (const name of engines) {
    try {
      const engine = await openEngine(name, { threads });
      opened.push([engine, await engine.controller(config, initialWeights(config, 1))]);
    } catch (error) {
      onNote(`${name} on ${threads} threads is left out: ${(error as Error).message}`);
    }
  }
  return opened;
}

async function compareOne<T>(
  work: Work<T>,
  ours: [Row['engine'], Iteration][],
  threads: number,
  peer: Peer | undefined,
  { iterations, peerIterations, onNote }: CompareOptions,
): Promise<Row[]> {
  const answer = peer && work.peer && (await peer.prepare(work.peer(), threads));
  const contestants: Contestant[] = ours.map(([, iterate]) => contestant(iterate));
  if (answer?.known) {
    contestants.push((count) => peer!.run(count));
    for (const [engine, iterate] of ours) {
      const difference = unlike((await iterate()) as Figures | undefined, answer.figures);
      if (difference) onNote(`${work.name} on ${engine} is not the peer's computation: ${difference}`);
    }
  }
  const counts = contestants.map((_, i) => (i < ours.length ? iterations : peerIterations));
  const timings = await inTurns(contestants, counts);
  const theirs = answer?.known ? timings.at(-1)! : undefined;
  return ours.map(([engine], i) => {
    const { min, median, cpu } = timings[i]!;
    return {
      work: work.name,
      engine,
      threads,
      ours_ms: median,
      peer_ms: theirs?.median ?? null,
      ratio: theirs ? theirs.median / median : null,
      ours_min_ms: min,
      peer_min_ms: theirs?.min ?? null,
      min_ratio: theirs ? theirs.min / min : null,
      ours_cpu_ms: cpu,
      peer_cpu_ms: theirs?.cpu ?? null,
      cpu_ratio: theirs ? theirs.cpu / cpu : null,
      iterations,
      peer_iterations: theirs?.iterations ?? 0,
    };
  });
}

/** The first figure that differs by more than float32 explains, or undefined. */
function unlike(ours: Figures | undefined, theirs: Figures): string | undefined {
  for (const [name, expected] of Object.entries(theirs)) {
    const found = ours?.[name] ?? Number.NaN;
    if (!(Math.abs(found - expected) <= 1e-3 * Math.max(1e-3, Math.abs(expected)))) {
      return `${name} is ${found}, the peer has ${expected}`;
    }
  }
  return undefined;
}
