import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bindingOf, Tensors } from '../../../../src/core/engine/tfjs/binding.js';
import { type FoldedName, fold, foldedShapes } from '../../../../src/core/engine/tfjs/fold.js';
import { loadTfjs } from '../../../../src/core/engine/tfjs/load.js';
import { Program } from '../../../../src/core/engine/tfjs/program.js';
import { Recorder } from '../../../../src/core/engine/tfjs/programs.js';
import { goldenFile } from '../../../golden/golden.js';

/** The values inside that no method of a controller gives out, against golden figures. */
const tfjs = await loadTfjs({ intraOpThreads: 1 }).catch(() => undefined);

describe.skipIf(!tfjs).each(['init', 'trained'])('inside the network, controller_%s', (which) => {
  const golden = goldenFile(`controller_${which}.json`);
  const {
    vocab_size: vocabulary,
    source_length: length,
    hidden_size: dim,
    mlp_hidden_size: predictor,
  } = golden.hyper;
  const config = { vocabulary, length, dim, predictor };
  const rows: number[][] = golden.train_input;
  let tensors: Tensors;
  let found: Record<string, Float32Array>;

  beforeAll(() => {
    tensors = new Tensors(bindingOf(tfjs!));
    const recorder = new Recorder(tensors.binding, config);
    const { network, ops } = recorder;
    const { outputs, embedding } = recorder.encode();
    const predicted = network.predict(embedding.unit);
    const program = new Program(tensors, recorder.graph, {
      outputs: outputs.unit,
      direction: network.embedGradient(
        embedding,
        network.predictGradient(predicted, ops.onesLike(predicted.predicted)).embedding,
      ),
      probabilities: network.decode(network.oneHot(recorder.input('previous')), outputs.unit, embedding.unit)
        .probabilities,
    });
    const state = Object.entries<{ data: number[] }>(golden.state_dict);
    const folded = fold(
      config,
      Object.fromEntries(state.map(([name, { data }]) => [name, Float32Array.from(data)])),
    );
    const shapes = Object.entries(foldedShapes(config)) as [FoldedName, number[]][];
    const borrowed = {
      ...Object.fromEntries(shapes.map(([name, shape]) => [name, tensors.create(shape, folded[name])])),
      zero: tensors.create([rows.length, dim], new Float32Array(rows.length * dim)),
    };
    const ints = (values: number[][]) =>
      tensors.create([rows.length, length], Int32Array.from(values.flat()));
    const made = program.run({
      ...borrowed,
      tokens: ints(rows),
      previous: ints(rows.map((row) => [0, ...row.slice(0, -1)])),
    });
    found = Object.fromEntries(Object.entries(made).map(([name, tensor]) => [name, tensors.read(tensor)]));
    for (const tensor of [...Object.values(made), ...Object.values(borrowed)]) tensors.free(tensor);
    program.dispose();
  });
  afterAll(() => expect(tensors.live).toBe(0));

  const worst = (values: ArrayLike<number>, figures: number[]) =>
    figures.reduce((largest, figure, i) => Math.max(largest, Math.abs(values[i]! - figure)), 0);

  test('encoder_outputs', () => {
    expect(worst(found.outputs!, golden.forward.encoder_outputs.data)).toBeLessThan(2e-6);
  });

  test('log-probabilities under teacher forcing', () => {
    const figures: number[] = golden.forward.decoder_log_probs.data;
    expect(worst(found.probabilities!, figures.map(Math.exp))).toBeLessThan(1e-5);
  });

  test('∂predict/∂encoder_outputs, the same at every position', () => {
    const figures: number[] = golden.forward.grad_predict_wrt_encoder_outputs.data;
    const largest = Math.max(...figures.map(Math.abs));
    const everywhere = figures.map(
      (_, i) => found.direction![Math.floor(i / (length * dim)) * dim + (i % dim)]!,
    );
    expect(worst(everywhere, figures) / largest).toBeLessThan(1e-5);
  });
});
