import { failure } from '../errors.js';

const pageBytes = 65536;
const alignment = 64;

interface Block {
  start: number;
  bytes: number;
}

/** Regions of a WebAssembly memory, first fit, on cache lines. The memory grows when none is free and never shrinks. */
export class Arena {
  readonly #memory: WebAssembly.Memory;
  /** Ordered by start; neighbours are merged. */
  readonly #free: Block[];
  readonly #live = new Map<number, number>();

  /** @param base first address that may be allotted: the module's own constants lie below. */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.#memory = memory;
    const start = aligned(base);
    this.#free = [{ start, bytes: memory.buffer.byteLength - start }];
  }

  /** Regions not yet released. */
  get live(): number {
    return this.#live.size;
  }

  /** Address of a new region; its content is undefined. Exit code 1 where the memory cannot grow. */
  allocate(bytes: number): number {
    const size = aligned(Math.max(bytes, 1));
    let index = this.#free.findIndex((block) => block.bytes >= size);
    if (index < 0) index = this.#grow(size);
    const block = this.#free[index]!;
    const { start } = block;
    if (block.bytes === size) this.#free.splice(index, 1);
    else this.#free[index] = { start: start + size, bytes: block.bytes - size };
    this.#live.set(start, size);
    return start;
  }

  /** Give a region back; an address that is not live is a bug and throws. */
  release(start: number): void {
    const bytes = this.#live.get(start);
    if (bytes === undefined) throw new Error(`no live region at ${start}`);
    this.#live.delete(start);
    this.#addFree({ start, bytes });
  }

  /** Index of a free block of at least `bytes`, at the end of the grown memory. */
  #grow(bytes: number): number {
    const end = this.#memory.buffer.byteLength;
    const last = this.#free.at(-1);
    const missing = bytes - (last && last.start + last.bytes === end ? last.bytes : 0);
    const pages = Math.ceil(missing / pageBytes);
    try {
      this.#memory.grow(pages);
    } catch (cause) {
      throw failure(
        `the simd engine cannot get ${Math.ceil(bytes / 2 ** 20)} MiB of memory beside its ${Math.ceil(end / 2 ** 20)} MiB`,
        'use a smaller batch, or close other controllers',
        { cause },
      );
    }
    this.#addFree({ start: end, bytes: pages * pageBytes });
    return this.#free.length - 1;
  }

  #addFree(block: Block): void {
    let index = this.#free.findIndex((other) => other.start > block.start);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsBefore = before !== undefined && before.start + before.bytes === block.start;
    const joinsAfter = after !== undefined && block.start + block.bytes === after.start;
    if (joinsBefore) before.bytes += block.bytes;
    if (joinsAfter) {
      if (joinsBefore) before.bytes += after.bytes;
      else this.#free[index] = { start: block.start, bytes: block.bytes + after.bytes };
      if (joinsBefore) this.#free.splice(index, 1);
    } else if (!joinsBefore) {
      this.#free.splice(index, 0, block);
    }
  }
}

const aligned = (bytes: number) => Math.ceil(bytes / alignment) * alignment;
