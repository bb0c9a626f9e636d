/**
 * How threads share a task's shards. A shard is a fixed part of the batch, whatever the number of threads, and has its own sums, so
 * that the result does not depend on who did what. Threads draw *tickets*, which go on counting from task to task: a late
 * thread can never draw a shard of a task that is over.
 */

/** int32 words of the control block that all threads see. */
export const word = {
  /** The next ticket. */
  ticket: 0,
  /** The first ticket that is not to be had yet; workers sleep on it. */
  limit: 1,
  /** The current task's first ticket. */
  first: 2,
  /** Shards of the task not done; the main thread sleeps on it. */
  remaining: 3,
  /** Address of the task. */
  task: 4,
  /** 1 for each shard that is done. */
  done: 16,
} as const;

/** At most this many shards a task. */
export const maxShards = 16;
export const controlBytes = 4 * (word.done + maxShards);

/** The control block at byte `address`. */
export function controlBlock(memory: WebAssembly.Memory, address: number): Int32Array {
  return new Int32Array(memory.buffer, address, controlBytes / 4);
}

/** Make a task of `shards` shards known to sleeping threads. The task before must be over. */
export function publish(control: Int32Array, task: number, shards: number): void {
  const first = Atomics.load(control, word.limit);
  control.fill(0, word.done, word.done + maxShards);
  Atomics.store(control, word.task, task);
  Atomics.store(control, word.first, first);
  Atomics.store(control, word.remaining, shards);
  Atomics.store(control, word.limit, first + shards);
  Atomics.notify(control, word.limit);
}

/** A thread that sleeps takes some 50 µs to wake up; so long it watches before it goes to sleep, ms. */
const watching = 0.1;

/** Until the word is no longer `value`, or `timeout` ms have passed (then false). */
export function awaitChange(control: Int32Array, index: number, value: number, timeout?: number): boolean {
  const end = performance.now() + watching;
  do {
    for (let i = 0; i < 100; i++) if (Atomics.load(control, index) !== value) return true;
  } while (performance.now() < end);
  return Atomics.wait(control, index, value, timeout) !== 'timed-out';
}

/** Draw and do shards until none is left; returns the limit that was reached. */
export function takeShards(control: Int32Array, run: (task: number, shard: number) => void): number {
  for (;;) {
    const ticket = Atomics.load(control, word.ticket);
    const limit = Atomics.load(control, word.limit);
    if (ticket === limit) return limit;
    if (Atomics.compareExchange(control, word.ticket, ticket, ticket + 1) !== ticket) continue;
    const shard = (ticket - Atomics.load(control, word.first)) | 0;
    run(Atomics.load(control, word.task), shard);
    Atomics.store(control, word.done + shard, 1);
    if (Atomics.sub(control, word.remaining, 1) === 1) Atomics.notify(control, word.remaining);
  }
}
