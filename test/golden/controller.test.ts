import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ControllerConfig, Weights } from '../../src/core/controller/config.js';
import { parameterShapes } from '../../src/core/controller/weights.js';
import { EmbeddingBatch } from '../../src/core/distances/index.js';
import type { Controller, Engine } from '../../src/core/engine/engine.js';
import { openLoss } from '../../src/core/losses/index.js';
import { openMiner } from '../../src/core/miners/index.js';
import { loadableEngines } from '../support/engines.js';
import { goldenFile } from './golden.js';

/** Engines compute in float32, the reference did in float64: allowed difference, as a share of the largest value. */
const VALUES = 2e-6;
const GRADIENTS = 5e-5;
/** Below this distance to a miner's threshold, float32 embeddings may mine another tuple. */
const FLIP_GAP = 1e-5;
/** Below this gap between the two best logits, float32 may decode another token. */
const SAFE_MARGIN = 1e-3;

interface Tensor {
  shape: number[];
  data: number[];
}

function weightsOf(state: Record<string, Tensor>): Weights {
  return Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, Float32Array.from(data)]));
}

const tokensOf = (rows: number[][]) => Int32Array.from(rows.flat());

/** Largest difference, as a share of the largest expected value. */
function difference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const off = Math.abs(found[i]! - expected[i]!);
    if (!(off <= worst)) worst = off;
  }
  return largest === 0 ? worst : worst / largest;
}

/** Each parameter against the figures; `null` = no gradient, ours is zero. The scale is the largest of all parameters. */
function expectParameters(found: Weights, expected: Record<string, Tensor | null>, tolerance: number): void {
  const scale = Math.max(...Object.values(expected).flatMap((tensor) => tensor?.data.map(Math.abs) ?? []));
  for (const [name, tensor] of Object.entries(expected)) {
    const figures = tensor?.data ?? new Array<number>(found[name]!.length).fill(0);
    const worst = Math.max(...figures.map((figure, i) => Math.abs(found[name]![i]! - figure)));
    expect(worst / scale, name).toBeLessThanOrEqual(tolerance);
  }
}

describe.each(loadableEngines)('engine %s', (_, create) => {
  describe.each(['init', 'trained'])('controller_%s', (which) => {
    const golden = goldenFile(`controller_${which}.json`);
    const config: ControllerConfig = {
      vocabulary: golden.hyper.vocab_size,
      length: golden.hyper.source_length,
      dim: golden.hyper.hidden_size,
      predictor: golden.hyper.mlp_hidden_size,
    };
    const weights = weightsOf(golden.state_dict);
    const tokens = tokensOf(golden.train_input);
    const targets = Float32Array.from(golden.train_target);
    let engine: Engine;
    let controller: Controller;

    beforeAll(async () => {
      engine = await create({ threads: 1 });
      controller = await engine.controller(config, weights);
    });
    afterAll(() => engine.dispose());

    test('has the reference’s parameters', () => {
      const shapes = Object.entries<Tensor>(golden.state_dict).map(([name, { shape }]) => [name, shape]);
      expect([...parameterShapes(config)]).toEqual(shapes);
    });

    test('forward: embeddings, predictions, greedy decoding', async () => {
      const activations = await controller.encode(tokens);
      expect(difference(activations.embeddings, golden.forward.arch_emb.data)).toBeLessThan(VALUES);
      activations.dispose();
      expect(difference(await controller.embed(tokens), golden.forward.arch_emb.data)).toBeLessThan(VALUES);
      expect(difference(await controller.predict(tokens), golden.forward.predict_value)).toBeLessThan(VALUES);
      expectDecoded(
        await controller.reconstruct(tokens),
        golden.forward.greedy,
        golden.forward.greedy_min_logit_margin,
      );
    });

    test('eq. 1: losses and every gradient', async () => {
      const { grad, tradeoff, total, mse, nll } = golden.train;
      expectParameters(await controller.searchGradients(tokens, targets, tradeoff), grad, GRADIENTS);
      const found = await controller.searchStep(tokens, { targets, tradeoff, learningRate: 0 });
      expect(difference([found.total, found.mse], [total, mse])).toBeLessThan(VALUES);
      expect(Math.abs(found.reconstruction - nll)).toBeLessThan(VALUES * Math.max(1, nll));
    });

    test.each(['sgd3', 'sgd3_clip_active'])('eq. 1: three steps, %s', async (run) => {
      const { lr, clip, params_after, history_total_mse_nll_gradnorm } = golden.train[run];
      await controller.load(weights);
      for (const [total, mse, nll, gradientNorm] of history_total_mse_nll_gradnorm) {
        const step = { targets, tradeoff: golden.train.tradeoff, learningRate: lr, clipNorm: clip };
        const found = await controller.searchStep(tokens, step);
        expect(difference([found.total, found.mse], [total, mse])).toBeLessThan(GRADIENTS);
        expect(Math.abs(found.reconstruction - nll)).toBeLessThan(GRADIENTS * Math.max(1, nll));
        expect(difference([found.gradientNorm], [gradientNorm])).toBeLessThan(GRADIENTS);
      }
      expectParameters(await controller.weights(), params_after, VALUES);
      await controller.load(weights);
    });

    describe.each(Object.keys(golden.pretrain.losses))('eq. 2, %s', (lossName) => {
      const figures = golden.pretrain.losses[lossName];
      const batch = tokensOf(golden.pretrain.input);
      const loss = openLoss(lossName.replace(/Loss$/, ''));
      const { miner } = loss.spec.experiment;
      const tuples = openMiner(miner.name, miner.params);

      /** Value, gradient and mined tuples for embeddings from the engine. */
      const metricOf = (embeddings: Float32Array) => {
        const rows = new EmbeddingBatch().load(embeddings, Int32Array.from(golden.pretrain.labels));
        return loss.evaluate(rows, tuples.mine(rows));
      };

      test('losses, mined tuples, gradients', async () => {
        const factor: number = figures.weights.metric_loss;
        const metric = metricOf(await controller.embed(batch));
        if (figures.threshold_gap > FLIP_GAP) expect(metric.mined).toBe(figures.mined.length);
        expect(difference([metric.value], [figures.metric])).toBeLessThan(GRADIENTS);
        const metricGradient = metric.gradient.map((value) => factor * value);
        const gradients = await controller.pretrainGradients(batch, metricGradient);
        expectParameters(gradients, figures.grad ?? figures.grad_arch_side, GRADIENTS);
      });

      if (!figures.sgd3) return;
      test('three steps', async () => {
        const { lr, history_total_rec_metric_minedcount, threshold_gaps, params_after } = figures.sgd3;
        const factor: number = figures.weights.metric_loss;
        await controller.load(weights);
        for (const [i, [, rec, metricValue, mined]] of history_total_rec_metric_minedcount.entries()) {
          const activations = await controller.encode(batch);
          const metric = metricOf(activations.embeddings);
          if (threshold_gaps[i] > FLIP_GAP) expect(metric.mined).toBe(mined);
          expect(difference([metric.value], [metricValue])).toBeLessThan(2 * GRADIENTS);
          const metricGradient = metric.gradient.map((value) => factor * value);
          const { reconstruction } = await controller.pretrainStep(activations, {
            metricGradient,
            learningRate: lr,
          });
          activations.dispose();
          expect(difference([reconstruction], [rec])).toBeLessThan(GRADIENTS);
        }
        expectParameters(await controller.weights(), params_after, GRADIENTS);
        await controller.load(weights);
      });
    });

    test('proposals', async () => {
      const seeds = tokensOf(golden.proposal.input);
      for (const result of golden.proposal.results) {
        const step = result.direction === '-' ? -result.step : result.step;
        const found = await controller.propose(seeds, step);
        expect(difference(found.predicted, result.new_predict_value), `step ${step}`).toBeLessThan(GRADIENTS);
        expect(difference(found.embeddings, result.new_arch_emb.flat()), `step ${step}`).toBeLessThan(
          GRADIENTS,
        );
        expectDecoded(found.decoded, result.decoded, result.min_logit_margin);
      }
    });
  });
});

function expectDecoded(found: Int32Array, expected: number[][], margins: number[]): void {
  const length = expected[0]!.length;
  expected.forEach((sequence, row) => {
    if (margins[row]! < SAFE_MARGIN) return;
    expect([...found.subarray(row * length, (row + 1) * length)], `row ${row}`).toEqual(sequence);
  });
}
