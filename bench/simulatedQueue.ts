import { stream } from '../src/core/random/random.js';
import { messageVersion, toBytes } from '../src/core/work/message.js';
import type { Clock, WorkQueue } from '../src/core/work/queueExecutor.js';

/** Time that passes only when something happens in it. */
export class VirtualTime implements Clock {
  #now = 0;
  #count = 0;
  /** A binary heap by time, then by order. */
  readonly #events: { time: number; order: number; happen: () => void }[] = [];

  now = () => this.#now;

  every(milliseconds: number, callback: () => void): () => void {
    let isStopped = false;
    const next = () => {
      if (isStopped) return;
      callback();
      this.#push(this.#now + milliseconds, next);
    };
    this.#push(this.#now + milliseconds, next);
    return () => {
      isStopped = true;
    };
  }

  after(milliseconds: number, happen: () => void): void {
    this.#push(this.#now + milliseconds, happen);
  }

  /** Lets time pass until it is over, with what follows from each event done before the next one. */
  async run(isOver: () => boolean): Promise<void> {
    await settled();
    while (!isOver()) {
      const event = this.#pop();
      if (!event) throw new Error('nothing happens any more');
      this.#now = event.time;
      event.happen();
      await settled();
    }
  }

  #push(time: number, happen: () => void): void {
    const heap = this.#events;
    const event = { time, order: this.#count++, happen };
    let i = heap.push(event) - 1;
    while (i > 0 && isBefore(event, heap[(i - 1) >> 1]!)) {
      heap[i] = heap[(i - 1) >> 1]!;
      i = (i - 1) >> 1;
    }
    heap[i] = event;
  }

  #pop() {
    const heap = this.#events;
    const [first] = heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (child >= heap.length || isBefore(last, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

type Timed = { time: number; order: number };
const isBefore = (a: Timed, b: Timed) => a.time < b.time || (a.time === b.time && a.order < b.order);

/** All that promises have to do is done. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

export interface SimulationOptions {
  time: VirtualTime;
  seed: number;
  workers: number;
  /** Mean seconds of a unit on a worker of speed 1. */
  mean: number;
  /** Speeds lie between 1 / spread and spread. */
  spread: number;
  /** Probability that a worker dies over a unit. */
  dying: number;
  /** Probability that an answer is told twice, and that it is not told at all. */
  twice: number;
  untold: number;
  /** Milliseconds of a way to the server, at most; answers overtake one another. */
  latency: number;
  /** Milliseconds after which the work of a worker that died is given to another one. */
  lease: number;
  /** Seconds after which a new worker comes for one that died, mean. */
  comes: number;
  result(work: unknown): unknown;
}

/**
 * A queue and its workers as the server and `NatsWorker` behave, in virtual time: workers of random speed which die, answers that come late,
 * twice, out of order or not at all.
 */
export class SimulatedQueue implements WorkQueue {
  readonly files = { send: async () => '', fetch: async () => '' };
  /** Units that workers began, workers that died over one, seconds of work and of this for nothing, most units in the queue at once. */
  readonly counts = { begun: 0, deaths: 0, worked: 0, lost: 0, most: 0 };
  readonly #options: SimulationOptions;
  readonly #random;
  readonly #units = new Map<string, Uint8Array>();
  readonly #answers = new Map<string, Uint8Array>();
  /** Keys that wait, from `#first` on. */
  #waiting: string[] = [];
  #first = 0;
  readonly #idle: number[] = [];
  readonly #speeds: number[] = [];
  #onAnswer: (key: string, answer: Uint8Array) => void = () => {};

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = stream(options.seed, 'simulation');
    for (let worker = 0; worker < options.workers; worker++) this.#comes();
  }

  async listen(_: string, onAnswer: (key: string, answer: Uint8Array) => void): Promise<Set<string>> {
    this.#onAnswer = onAnswer;
    return new Set(this.#answers.keys());
  }

  offer(key: string, unit: Uint8Array): Promise<boolean> {
    return this.#way(() => {
      if (this.#units.has(key)) return false;
      this.#units.set(key, unit);
      this.counts.most = Math.max(this.counts.most, this.#units.size);
      this.#queue(key);
      return true;
    });
  }

  answer(key: string): Promise<Uint8Array | undefined> {
    return this.#way(() => this.#answers.get(key));
  }

  forget(key: string): Promise<void> {
    return this.#way(() => void this.#answers.delete(key));
  }

  async withdraw(): Promise<void> {
    this.#units.clear();
  }

  async workers(): Promise<number> {
    return this.#options.workers;
  }

  async close(): Promise<void> {}

  /** Something that happens on the server, a way away. */
  #way<T>(happen: () => T): Promise<T> {
    const { time, latency } = this.#options;
    return new Promise((resolve) => time.after(this.#random.float() * latency, () => resolve(happen())));
  }

  #comes(): void {
    const { spread } = this.#options;
    this.#speeds.push(spread ** (2 * this.#random.float() - 1));
    this.#idle.push(this.#speeds.length - 1);
    this.#assign();
  }

  #queue(key: string): void {
    this.#waiting.push(key);
    this.#assign();
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#first < this.#waiting.length) {
      const key = this.#waiting[this.#first++]!;
      if (this.#first > 10_000) {
        this.#waiting = this.#waiting.slice(this.#first);
        this.#first = 0;
      }
      if (this.#units.has(key)) this.#work(this.#idle.pop()!, key);
    }
  }

  #work(worker: number, key: string): void {
    const { time, mean, dying, lease, comes } = this.#options;
    const exponential = () => -Math.log(1 - this.#random.float());
    const seconds = this.#answers.has(key) ? 0 : (mean * exponential()) / this.#speeds[worker]!;
    this.counts.begun++;
    this.counts.worked += seconds;
    if (this.#random.float() < dying) {
      const lived = seconds * this.#random.float();
      this.counts.deaths++;
      this.counts.lost += lived;
      time.after(1000 * lived + lease, () => this.#units.has(key) && this.#queue(key));
      time.after(1000 * (lived + comes * exponential()), () => this.#comes());
      return;
    }
    time.after(1000 * seconds, () => {
      this.#store(key);
      this.#units.delete(key);
      this.#idle.push(worker);
      this.#assign();
    });
  }

  #store(key: string): void {
    const unit = this.#units.get(key);
    if (!unit || this.#answers.has(key)) return;
    const { time, twice, untold, latency, result } = this.#options;
    const { work } = JSON.parse(Buffer.from(unit).toString());
    const answer = toBytes({
      ...{ v: messageVersion, worker: 'simulated', deliveries: 1, seconds: 1 },
      result: result(work) as object,
    });
    this.#answers.set(key, answer);
    const tell = () => time.after(this.#random.float() * latency, () => this.#onAnswer(key, answer));
    if (this.#random.float() >= untold) tell();
    if (this.#random.float() < twice) tell();
  }
}
