/** What is timed: `prepare` once, and what it gives again and again. */
export interface Work<Input = void> {
  /** As in `pretrain/TripletMargin/512`. */
  name: string;
  /** The same work for the peer (bench/peer/server.py); absent where it has none. */
  peer?: () => PeerWork;
  /** Numbers that an iteration gives are those of the peer, up to float32. */
  prepare(input: Input): Promise<Iteration>;
}

export type Iteration = () => unknown;

export type Figures = Record<string, number>;

/** A work as the peer is told it. Tokens are rows of a sequence each. */
export interface PeerWork {
  kind: string;
  [argument: string]: unknown;
}

/** Milliseconds of one iteration. */
export interface Timing {
  min: number;
  median: number;
  iterations: number;
}

/** Does so many iterations and gives the milliseconds of each. */
export type Contestant = (iterations: number) => Promise<number[]>;

/** Our own side of a comparison. */
export const contestant =
  (iterate: Iteration): Contestant =>
  async (iterations) => {
    const times: number[] = [];
    for (let i = 0; i < iterations; i++) {
      const start = performance.now();
      await iterate();
      times.push(performance.now() - start);
    }
    return times;
  };

export function timing(times: readonly number[]): Timing {
  const sorted = [...times].sort((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[sorted.length >> 1]!, iterations: sorted.length };
}

/**
 * Times contestants in turns, so that what else the machine does meets all of them: each has `iterations[i]` iterations in `rounds`
 * portions, after a warm-up of a portion.
 */
export async function inTurns(
  contestants: readonly Contestant[],
  iterations: readonly number[],
  rounds = 10,
): Promise<Timing[]> {
  const times: number[][] = contestants.map(() => []);
  const portion = (i: number) => Math.ceil(iterations[i]! / rounds);
  for (const [i, run] of contestants.entries()) await run(portion(i));
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of contestants.entries()) {
      const left = Math.min(portion(i), iterations[i]! - times[i]!.length);
      if (left > 0) times[i]!.push(...(await run(left)));
    }
  }
  return times.map(timing);
}

/** Exponent b of the power law time = a·size^b that fits the points best, in logarithms. */
export function exponent(points: readonly { size: number; ms: number }[]): number {
  const x = points.map(({ size }) => Math.log(size));
  const y = points.map(({ ms }) => Math.log(ms));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, xi, i) => sum + (xi - mx) * (y[i]! - my), 0);
  return covariance / x.reduce((sum, xi) => sum + (xi - mx) ** 2, 0);
}
