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

/** Milliseconds of one iteration: by the clock, and of the processor in all threads of the process, which load changes little. */
export interface Sample {
  wall: number;
  cpu: number;
}

export interface Timing {
  min: number;
  median: number;
  /** Median of the processor's time. */
  cpu: number;
  iterations: number;
}

/** Does so many iterations. */
export type Contestant = (iterations: number) => Promise<Sample[]>;

/** Our own side of a comparison. */
export const contestant =
  (iterate: Iteration): Contestant =>
  async (iterations) => {
    const samples: Sample[] = [];
    for (let i = 0; i < iterations; i++) {
      const before = process.cpuUsage();
      const start = performance.now();
      await iterate();
      const wall = performance.now() - start;
      const { user, system } = process.cpuUsage(before);
      samples.push({ wall, cpu: (user + system) / 1000 });
    }
    return samples;
  };

export function timing(samples: readonly Sample[]): Timing {
  const wall = sorted(samples.map((sample) => sample.wall));
  const cpu = sorted(samples.map((sample) => sample.cpu));
  const middle = samples.length >> 1;
  return { min: wall[0]!, median: wall[middle]!, cpu: cpu[middle]!, iterations: samples.length };
}

export const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);

/**
 * Times contestants in turns, so that what else the machine does meets all of them: each has `iterations[i]` iterations in `rounds`
 * portions, after a warm-up of a portion.
 */
export async function inTurns(
  contestants: readonly Contestant[],
  iterations: readonly number[],
  rounds = 10,
): Promise<Timing[]> {
  const samples: Sample[][] = contestants.map(() => []);
  const portion = (i: number) => Math.ceil(iterations[i]! / rounds);
  for (const [i, run] of contestants.entries()) await run(portion(i));
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of contestants.entries()) {
      const left = Math.min(portion(i), iterations[i]! - samples[i]!.length);
      if (left > 0) samples[i]!.push(...(await run(left)));
    }
  }
  return samples.map(timing);
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
