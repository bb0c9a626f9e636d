import { basename } from 'node:path';
import type { EventRow } from '../../core/batch/index.js';
import { rowsOf } from '../../core/batch/index.js';
import { dataError } from '../../core/errors.js';
import { isRun, openRun, readManifest, type StoredRun } from '../../core/run/index.js';
import { headlineOf } from '../../core/spec/differences.js';
import { componentsOf } from '../../core/spec/spec.js';
import { meanInterval } from '../../core/statistics/bootstrap.js';
import type { CurveSeries, CurvesData } from '../../report/figures/curves.js';
import type { LossData } from '../../report/figures/loss.js';
import type { ReconstructionRun } from '../../report/figures/reconstruction.js';
import type { StageTime } from '../../report/figures/stages.js';
import { stepPoints } from '../../report/steps.js';
import { controllerNames, distinct } from '../controllers.js';
import { specOfRun } from '../kinds.js';

export const lossData = (dirs: readonly string[]): LossData => {
  const names = controllerNames(dirs);
  return { runs: dirs.map((dir, i) => ({ name: names[i]!, points: stepPoints(openRun(dir)) })) };
};

/** Pretrainings with the weight that the reconstruction loss had in each. */
export async function reconstructionData(dirs: readonly string[]): Promise<{ runs: ReconstructionRun[] }> {
  const runs: ReconstructionRun[] = [];
  for (const dir of dirs) {
    const run = openRun(dir);
    const { spec } = await specOfRun(run.manifest);
    const stage = spec.phases
      .flatMap((phase) => [...componentsOf(phase)])
      .find(({ name }) => name === 'lossStep');
    const { reconstructionWeight = 1 } = (stage?.params ?? {}) as { reconstructionWeight?: number };
    const name = headlineOf(run.manifest.spec).loss ?? basename(dir);
    runs.push({ name, weight: reconstructionWeight, points: stepPoints(run) });
  }
  return { runs };
}

export function stagesData(dirs: readonly string[]): { stages: StageTime[] } {
  const names = distinct(
    dirs,
    dirs.map((dir) => basename(dir)),
  );
  const stages = dirs.flatMap((dir, i): StageTime[] => {
    // A resumed run has logged its stages once for each part.
    const own = new Map<string, StageTime>();
    for (const row of rowsOfEvent(openRun(dir), 'stage')) {
      const { stage, seconds, out } = row as { stage: string; seconds: number; out: number };
      const sum = own.get(stage) ?? { name: names[i]!, stage, seconds: 0, rows: 0 };
      own.set(stage, { ...sum, seconds: sum.seconds + seconds, rows: sum.rows + out });
    }
    if (own.size === 0) {
      throw dataError(`the run ${dir} has no stage timings`, 'they are logged when a run ends or is stopped');
    }
    return [...own.values()];
  });
  return { stages };
}

interface Query {
  query: number;
  best_test: number;
  regret: number;
}

/** One search: what it is called, and the best cell after each query. */
interface Search {
  name: string;
  rows: Query[];
}

/** Searches and sweeps: the mean over the searches of the same name, and its interval. */
export function curvesData(dirs: readonly string[]): CurvesData {
  const searches = dirs.flatMap((dir) => searchesOf(openRun(dir)));
  const benchmarks = new Set(dirs.map((dir) => headlineOf(readManifest(dir).spec).benchmark ?? 'benchmark'));
  if (benchmarks.size > 1) {
    throw dataError(
      `the searches are of different benchmarks: ${[...benchmarks].join(', ')}`,
      'plot those of one benchmark together',
    );
  }
  const of = searches.every(({ rows }) => rows.every(({ regret }) => Number.isFinite(regret)))
    ? 'regret'
    : 'accuracy';
  const names = [...new Set(searches.map(({ name }) => name))];
  return {
    benchmark: [...benchmarks][0]!,
    of,
    series: names.map((name) =>
      meanCurve(
        name,
        searches.filter((search) => search.name === name),
        of === 'regret' ? 'regret' : 'best_test',
      ),
    ),
  };
}

function searchesOf(run: StoredRun): Search[] {
  const { spec } = run.manifest;
  const own = [...rowsOfEvent(run, 'query')] as unknown as Query[];
  if (own.length > 0) return [{ name: searchName(spec), rows: own }];
  const found = new Map<string, Search>();
  for (const row of rowsOfEvent(run, 'result')) {
    const { searcher, variant, pretrain_seed, seed } = row as unknown as EventRow<'result'>;
    const name = variant ?? searcher; // comparisons of rxnas 0.1 name the searcher alone
    const key = `${name}\n${pretrain_seed}\n${seed}`;
    const search = found.get(key) ?? { name, rows: [] };
    search.rows.push(row as unknown as Query);
    found.set(key, search);
  }
  if (found.size === 0) {
    throw dataError(`the run ${run.dir} has no queries`, 'give the run of a search, or of a sweep');
  }
  return [...found.values()];
}

/** The searcher, and the loss that its controller was pretrained with. */
function searchName(spec: StoredRun['manifest']['spec']): string {
  const { searcher = 'search' } = headlineOf(spec);
  const { controller } = (spec ?? {}) as { controller?: string };
  if (controller === undefined) return searcher;
  const loss = isRun(controller) ? headlineOf(readManifest(controller).spec).loss : basename(controller);
  return `${searcher}, ${loss ?? basename(controller)}`;
}

const mostPoints = 120;

/** The mean over searches at so many queries; a search that has ended keeps its best. */
function meanCurve(name: string, searches: readonly Search[], column: 'regret' | 'best_test'): CurveSeries {
  const last = Math.max(...searches.map(({ rows }) => rows.length));
  const count = Math.min(mostPoints, last);
  const places = Array.from({ length: count }, (_, i) => Math.round(((i + 1) * last) / count));
  return {
    name,
    seeds: searches.length,
    points: places.map((query) => ({
      query,
      ...meanInterval(searches.map(({ rows }) => rows[Math.min(query, rows.length) - 1]![column])),
    })),
  };
}

function* rowsOfEvent(run: StoredRun, event: string): Generator<Record<string, unknown>> {
  for (const { batch } of run.records({ events: [event] })) {
    yield* rowsOf(batch) as Iterable<Record<string, unknown>>;
  }
}
