import { type JsonValue, type Manifest, newestCheckpoint } from '../../../core/run/index.js';
import { headlineOf } from '../../../core/spec/differences.js';

/** The figures of a run that stand in a list. */
export interface RunFigures {
  /** Loss of a pretraining, searcher and benchmark of a search. */
  what: string;
  /** Pretraining steps or queries so far: at the end, or at the newest checkpoint. */
  done: number;
  /** Loss after a pretraining, test accuracy of a search's best cell; absent before the end. */
  best?: number;
}

const numberOf = (value: JsonValue | undefined) => (typeof value === 'number' ? value : undefined);

export function figuresOf(dir: string, { spec, summary = {} }: Manifest): RunFigures {
  const { loss, searcher, benchmark } = headlineOf(spec);
  const best = numberOf(summary.best_test) ?? numberOf(summary.total);
  return {
    what: [loss, searcher, benchmark].filter(Boolean).join(' '),
    done: numberOf(summary.steps) ?? numberOf(summary.queries) ?? stepsAtCheckpoint(dir),
    ...(best !== undefined && { best }),
  };
}

function stepsAtCheckpoint(dir: string): number {
  try {
    return newestCheckpoint(dir).checkpoint?.position.step ?? 0;
  } catch {
    return 0; // a run is listed whatever is wrong with its files
  }
}

/** The settings of a run as an object, whatever its manifest holds. */
export const specOf = ({ spec }: Manifest): Record<string, JsonValue> =>
  typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? spec : {};

export function ageOf(created: string, now = Date.now()): string {
  const minutes = Math.max(0, Math.round((now - Date.parse(created)) / 60_000));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
}

export function sizeOf(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
