import { Observable } from 'rxjs';
import { z } from 'zod';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import { breathe } from '../core/breathe.js';
import type { Controller } from '../core/engine/engine.js';
import { stream } from '../core/random/random.js';
import { type Pool, type Proposal, proposalColumns } from '../core/search/pool.js';
import { NO_CELL } from '../core/space/space.js';
import { defineOperator } from '../core/spec/defineOperator.js';

/** What one step size gave: a row of the `proposal` event. */
export interface ProposalRow {
  round: number;
  /** Step size along the predictor's gradient. */
  step: number;
  /** Sequences decoded. */
  decoded: number;
  /** Of these, cells of the space that the benchmark knows. */
  valid: number;
  /** Of these, not queried and not proposed before. */
  fresh: number;
}

export interface NaoProposeOptions {
  controller: Controller;
  benchmark: Benchmark;
  pool: Pool;
  seed: number;
  round: number;
  /** New cells wanted. */
  count: number;
  /** Best cells of the pool that are moved. */
  top?: number;
  /** Sequences moved and decoded at once. */
  batch?: number;
  /** Largest step size; 1, 2, … are tried in turn. */
  maxStep?: number;
  /** Told after each step size. */
  onStep?: (row: ProposalRow) => void;
}

/**
 * Neural architecture optimisation (REFERENCE §7): the encoder outputs of the best cells move up the predictor's gradient by step
 * 1, 2, …, 100; what the decoder makes of them, where it is a valid, new cell, is proposed. Completes with `count` proposals, or
 * with fewer when every step was tried: the search has then run dry for this round.
 */
export const naoPropose = defineOperator(
  {
    name: 'naoPropose',
    kind: 'source',
    summary: 'New cells along the gradient of the predictor',
    source: 'paper §3.3; REFERENCE §7; NAO, arXiv 1808.07233',
    params: z.strictObject({
      count: z.int().min(1).max(1_000_000).default(128).describe('new cells wanted').meta({ unit: 'cells' }),
      top: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(128)
        .describe('best cells of the pool that are moved')
        .meta({ unit: 'cells' }),
      batch: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(64)
        .describe('sequences moved and decoded at once')
        .meta({ unit: 'cells' }),
      maxStep: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(100)
        .describe('largest step size along the gradient; 1, 2, … are tried in turn')
        .meta({ unit: 'gradients' }),
    }),
    needs: ['controller', 'benchmark', 'pool', 'seed', 'round'],
    gives: 'rows',
    input: {},
    output: proposalColumns,
    stability: 'stable',
    example: 'naoPropose: { count: 128, maxStep: 100 }',
  },
  (options: NaoProposeOptions): Observable<Proposal> =>
    new Observable((subscriber) => {
      propose(options, subscriber).then(
        () => subscriber.complete(),
        (error) => subscriber.error(error),
      );
    }),
);

async function propose(
  {
    controller,
    benchmark,
    pool,
    seed,
    round,
    count,
    top = 128,
    batch = 64,
    maxStep = 100,
    onStep,
  }: NaoProposeOptions,
  subscriber: { next(proposal: Proposal): void; closed: boolean },
): Promise<void> {
  const { space } = pool;
  const { sequenceLength } = space;
  const before = pool.size;
  const order = stream(seed, 'propose', round).shuffle(Array.from(pool.top(top).keys()));
  const best = pool.top(top);
  const rows = order.map((i) => best[i]!);
  const proposed = new Set<number | string>();

  for (let step = 1; step <= maxStep && proposed.size < count; step++) {
    const counts: ProposalRow = { round, step, decoded: 0, valid: 0, fresh: 0 };
    for (let from = 0; from < rows.length && proposed.size < count; from += batch) {
      await breathe();
      if (subscriber.closed) return;
      const part = rows.slice(from, from + batch);
      const { decoded } = await controller.propose(pool.tokens(part), step);
      for (let i = 0; i < part.length && proposed.size < count && !subscriber.closed; i++) {
        counts.decoded++;
        const cell = space.decode(decoded, i * sequenceLength);
        if (cell === NO_CELL || !benchmark.has(cell)) continue;
        counts.valid++;
        const identity =
          pool.identity === 'cell'
            ? space.canonical(cell)
            : decoded.subarray(i * sequenceLength, (i + 1) * sequenceLength).join();
        if (proposed.has(identity) || pool.has(cell, before)) continue;
        counts.fresh++;
        proposed.add(identity);
        subscriber.next({ cell, origin: 'nao', round });
      }
    }
    onStep?.(counts);
  }
}
