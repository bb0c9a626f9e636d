import { statSync } from 'node:fs';
import { defer, EMPTY, exhaustMap, finalize, from, type Observable, timer } from 'rxjs';
import { breathe } from '../../core/breathe.js';
import type { ControllerConfig, Weights } from '../../core/controller/config.js';
import { openEngine } from '../../core/engine/index.js';
import { type Checkpoint, checkpointFiles, newestCheckpoint, type StoredRun } from '../../core/run/index.js';
import { tokensOfCells } from '../../core/space/space.js';
import { SteadyPlane } from '../../core/statistics/steadyPlane.js';
import type { MapData } from '../../report/mapModel.js';
import { type MapCells, type MapCellsOptions, mapCells } from './mapCells.js';

export interface MovingMapOptions extends MapCellsOptions {
  /** Milliseconds between two looks for a newer checkpoint. */
  every: number;
}

/**
 * The map of a run's embeddings (its `places` as of {@link SteadyPlane}), anew for each checkpoint that is the newest when it is looked for, also of a run that another process writes.
 * Embeds on one thread of the simd engine, whatever the run computes with: 4,096 cells take it 0.1 s. Nothing for a run without a
 * controller. Errors: those of `mapCells`.
 */
export function movingMap(run: StoredRun, { every, ...options }: MovingMapOptions): Observable<MapData> {
  return defer(() => {
    let shown: string | undefined;
    let view: Promise<View> | undefined;
    return timer(0, every).pipe(
      exhaustMap(() => {
        const newest = newestOf(run.dir);
        if (newest === undefined || newest === shown) return EMPTY;
        shown = newest;
        const { space, controller, position } = newestCheckpoint(run.dir).checkpoint ?? {};
        if (!controller || space === undefined || !position) return EMPTY;
        view ??= View.open(run, space, controller.config, options);
        return from(view.then((view) => view.at(controller.weights, position)));
      }),
      finalize(
        () =>
          void view?.then(
            (view) => view.close(),
            () => {},
          ),
      ),
    );
  });
}

/** Tells checkpoints apart: a run that begins anew counts its files anew. */
function newestOf(dir: string): string | undefined {
  const [file] = checkpointFiles(dir);
  return file && `${file} ${statSync(file, { throwIfNoEntry: false })?.mtimeMs}`;
}

const thousands = (n: number) => n.toLocaleString('en-US');

const afterWhat = ({ step, round }: Checkpoint['position']) =>
  round > 0 ? `${round} ${round === 1 ? 'round' : 'rounds'}` : `${thousands(step)} steps`;

/** Cells a batch. */
const rows = 512;

/** The same cells, seen with one controller's weights after the other. */
class View {
  readonly #plane: SteadyPlane;
  readonly #tokens: Int32Array;

  static async open(run: StoredRun, space: string, config: ControllerConfig, options: MapCellsOptions) {
    return new View(await mapCells(run, space, options), config, await openEngine('simd', { threads: 1 }));
  }

  private constructor(
    readonly shown: MapCells,
    readonly config: ControllerConfig,
    readonly engine: Awaited<ReturnType<typeof openEngine>>,
  ) {
    this.#plane = new SteadyPlane(config.dim);
    this.#tokens = tokensOfCells(shown.space, shown.cells);
  }

  async at(weights: Weights, position: Checkpoint['position']): Promise<MapData> {
    const {
      shown: { space, cells, ...known },
      config: { dim: width, length },
    } = this;
    const controller = await this.engine.controller(this.config, weights);
    try {
      const embeddings = new Float32Array(cells.length * width);
      const errors = new Uint8Array(cells.length);
      for (let at = 0; at < cells.length; at += rows) {
        await breathe();
        const tokens = this.#tokens.subarray(at * length, (at + rows) * length);
        embeddings.set(await controller.embed(tokens), at * width);
        const decoded = await controller.reconstruct(tokens);
        for (let i = 0; i < tokens.length; i++) {
          if (tokens[i] !== decoded[i]) errors[at + Math.floor(i / length)]!++;
        }
      }
      return {
        source: `${thousands(cells.length)} cells of ${space.name}, embedded by the controller after ${afterWhat(position)}`,
        ...{ space: space.name, cells, embeddings, width, places: this.#plane.next(embeddings) },
        errors: { length, values: errors },
        ...known,
      };
    } finally {
      controller.dispose();
    }
  }

  close(): Promise<void> {
    return this.engine.dispose();
  }
}
