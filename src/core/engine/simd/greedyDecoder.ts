import type { ControllerConfig } from '../../controller/config.js';
import { Arena } from '../../wasm/arena.js';
import { createMemory, instantiate, type KernelExports } from './module.js';
import { taskBytes, writeTask } from './task.js';

/**
 * Greedy decoding with the kernels of this engine, on the calling thread, for an engine that computes the encoder outputs itself
 * (docs/decisions/004-greedy-decoding.md). Keeps nothing from one call to the next but its memory.
 */
export class GreedyDecoder {
  readonly #memory = createMemory();
  readonly #kernels: KernelExports;
  readonly #arena: Arena;

  constructor(module: WebAssembly.Module) {
    this.#kernels = instantiate(module, this.#memory);
    this.#arena = new Arena(this.#memory, this.#kernels.heapBase());
  }

  /** Whether the kernels take the shape. */
  static takes({ dim, predictor }: ControllerConfig): boolean {
    return dim % 4 === 0 && predictor % 4 === 0;
  }

  /**
   * @param weights all parameters, flat  @param outputs `encoder_outputs` [rows, length, dim]  @param embeddings `arch_emb` [rows, dim]
   * @returns tokens [rows, length]
   */
  decode(
    config: ControllerConfig,
    weights: Float32Array,
    outputs: Float32Array,
    embeddings: Float32Array,
  ): Int32Array {
    const kernels = this.#kernels;
    const rows = embeddings.length / config.dim;
    kernels.configure(config.vocabulary, config.length, config.dim, config.predictor);
    const regions: number[] = [];
    const allocate = (bytes: number) => {
      const address = this.#arena.allocate(bytes);
      regions.push(address);
      return address;
    };
    const put = (values: Float32Array) => {
      const address = allocate(values.byteLength);
      new Float32Array(this.#memory.buffer, address, values.length).set(values);
      return address;
    };
    try {
      const packed = allocate(kernels.sizeOfPacked());
      kernels.packController(packed, put(weights));
      const decoded = allocate(4 * rows * config.length);
      const task = allocate(taskBytes);
      writeTask(this.#memory.buffer, task, {
        ...{ kind: 'decode', rows, chunks: rows, ...config, packed },
        ...{ workspaces: allocate(kernels.sizeOfWorkspace()), outputs: put(outputs) },
        ...{ embeddings: put(embeddings), decoded },
      });
      kernels.runShard(task, 0, 0);
      return new Int32Array(this.#memory.buffer, decoded, rows * config.length).slice();
    } finally {
      for (const region of regions) this.#arena.release(region);
    }
  }
}
