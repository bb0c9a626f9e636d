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
import type { MapData } from '../../report/mapModel.js';

export interface MovingMapOptions {
  /** Random cells to show. */
  cells: number;
  /** Seed of the run: the cells are of the sample whose embeddings it may log at its end. */
  seed: number;
  /** Milliseconds between two looks for a newer checkpoint. */
  every: number;
}

/**
 * The map of a run's embeddings (its `places` as of {@link SteadyPlane}), anew for each checkpoint that is the newest when it is looked for, also of a run that another process writes.
 * Embeds on one thread of the simd engine, whatever the run computes with: 4,096 cells take it 0.1 s. Nothing for a run without a
 * controller. Errors: exit code 2 for a space that is none of rxnas's own.
 */
export function movingMap(dir: string, { cells, seed, every }: MovingMapOptions): Observable<MapData> {
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

const thousands = (n: number) => n.toLocaleString('en-US');

const afterWhat = ({ step, round }: Checkpoint['position']) =>
  round > 0 ? `${round} rounds` : `${thousands(step)} steps`;

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

  async at(weights: Weights, position: Checkpoint['position']): Promise<MapData> {
    const { space, cells, config } = this;
    const { dim: width, length } = config;
    const controller = await this.engine.controller(config, weights);
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
      };
    } finally {
      controller.dispose();
    }
  }

  close(): Promise<void> {
    return this.engine.dispose();
  }
}
