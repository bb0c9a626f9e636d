import { statSync } from 'node:fs';
import { defer, EMPTY, exhaustMap, finalize, from, type Observable, timer } from 'rxjs';
import { breathe } from '../../core/breathe.js';
import type { ControllerConfig, Weights } from '../../core/controller/config.js';
import { openEngine } from '../../core/engine/index.js';
import { type Checkpoint, checkpointFiles, newestCheckpoint } from '../../core/run/index.js';
import { openSpace } from '../../core/space/index.js';
import { sampleCells } from '../../core/space/sampleCells.js';
import { type Space, tokensOfCells } from '../../core/space/space.js';
import { SteadyPlane } from '../../core/statistics/steadyPlane.js';

export interface MovingMapOptions {
  /** Random cells to show. */
  cells: number;
  /** Seed of the run: the cells are of the sample whose embeddings it may log at its end. */
  seed: number;
  /** Milliseconds between two looks for a newer checkpoint. */
  every: number;
}

/** Where the embeddings of some cells lie, as of one checkpoint. */
export interface MapState {
  space: Space;
  cells: Uint32Array;
  /** Row-major [cells, 2]; see {@link SteadyPlane}. */
  places: Float64Array;
  /** What the controller had been trained for. */
  position: Checkpoint['position'];
}

/**
 * The map of a run's embeddings, anew for each checkpoint that is the newest when it is looked for, also of a run that another process writes.
 * Embeds on one thread of the simd engine, whatever the run computes with: 2,000 cells take some 20 ms of it. Nothing for a run without a
 * controller. Errors: exit code 2 for a space that is none of rxnas's own.
 */
export function movingMap(dir: string, { cells, seed, every }: MovingMapOptions): Observable<MapState> {
  return defer(() => {
    let shown: string | undefined;
    let view: Promise<View> | undefined;
    return timer(0, every).pipe(
      exhaustMap(() => {
        const newest = newestOf(dir);
        if (newest === undefined || newest === shown) return EMPTY;
        shown = newest;
        const { space, controller, position } = newestCheckpoint(dir).checkpoint ?? {};
        if (!controller || space === undefined || !position) return EMPTY;
        view ??= View.open(openSpace(space), controller.config, { cells, seed });
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

/** Cells a batch. */
const rows = 512;

/** The same cells, seen with one controller's weights after the other. */
class View {
  readonly #plane: SteadyPlane;
  readonly #tokens: Int32Array;

  static async open(
    space: Space,
    config: ControllerConfig,
    { cells, seed }: { cells: number; seed: number },
  ) {
    const engine = await openEngine('simd', { threads: 1 });
    return new View(space, sampleCells(space, cells, seed), config, engine);
  }

  private constructor(
    readonly space: Space,
    readonly cells: Uint32Array,
    readonly config: ControllerConfig,
    readonly engine: Awaited<ReturnType<typeof openEngine>>,
  ) {
    this.#plane = new SteadyPlane(config.dim);
    this.#tokens = tokensOfCells(space, cells);
  }

  async at(weights: Weights, position: Checkpoint['position']): Promise<MapState> {
    const { space, cells, config } = this;
    const controller = await this.engine.controller(config, weights);
    try {
      const embeddings = new Float32Array(cells.length * config.dim);
      for (let at = 0; at < cells.length; at += rows) {
        await breathe();
        const tokens = this.#tokens.subarray(at * space.sequenceLength, (at + rows) * space.sequenceLength);
        embeddings.set(await controller.embed(tokens), at * config.dim);
      }
      return { space, cells, places: this.#plane.next(embeddings), position };
    } finally {
      controller.dispose();
    }
  }

  close(): Promise<void> {
    return this.engine.dispose();
  }
}
