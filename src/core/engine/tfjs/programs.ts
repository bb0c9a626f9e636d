import type { ControllerConfig } from '../../controller/config.js';
import type { Binding, Tensors } from './binding.js';
import { type Folded, type FoldedName, foldedShapes } from './fold.js';
import { type EncoderTape, Network } from './network.js';
import { Ops } from './ops.js';
import { Graph, Program, type Value } from './program.js';

/**
 * Every computation that the engine runs, as one program each, for any number of rows. Inputs that are named here:
 * `tokens`, `previous` (each position's previous token) int32 [B, T]; `zero` [B, D] zeros; `share` the weight of one
 * position's reconstruction loss. The folded weights are inputs of every program.
 */
export class Programs {
  readonly #tensors: Tensors;
  readonly #config: ControllerConfig;
  readonly #made = new Map<ProgramName, Program>();

  constructor(tensors: Tensors, config: ControllerConfig) {
    this.#tensors = tensors;
    this.#config = config;
  }

  /** Recorded when it is first asked for. */
  get(name: ProgramName): Program {
    let program = this.#made.get(name);
    if (!program) {
      const recorder = new Recorder(this.#tensors.binding, this.#config);
      program = new Program(this.#tensors, recorder.graph, recipes[name](recorder));
      this.#made.set(name, program);
    }
    return program;
  }

  /** Names of the attributes of all programs' ops. */
  attributeNames(): Set<string> {
    const names = new Set<string>();
    for (const name of programNames)
      for (const attribute of this.get(name).attributes()) names.add(attribute.name);
    return names;
  }

  dispose(): void {
    for (const program of this.#made.values()) program.dispose();
    this.#made.clear();
  }
}

/** A graph being written, the network in it, and its inputs by name: the weights and `zero` are borrowed. */
export class Recorder {
  readonly graph: Graph;
  readonly ops: Ops;
  readonly network: Network;

  constructor(binding: Binding, config: ControllerConfig) {
    this.graph = new Graph(binding);
    this.ops = new Ops(this.graph);
    const names = Object.keys(foldedShapes(config)) as FoldedName[];
    const weights = Object.fromEntries(
      names.map((name) => [name, this.graph.borrowed(name)]),
    ) as unknown as Folded<Value>;
    this.network = new Network(this.ops, config, weights);
  }

  input(name: string): Value {
    return this.graph.consumed(name);
  }

  encode(): EncoderTape {
    return this.network.encode(this.network.oneHot(this.input('tokens')), this.graph.borrowed('zero'));
  }
}

type Outputs = Record<string, Value>;

const recipes = {
  /** Gives out the whole tape, by the paths in it, for `pretrain` to consume. */
  encode(r: Recorder): Outputs {
    const { zero: _, ...tape } = r.encode();
    return flatten(tape);
  },

  /** Eq. 2 on a kept tape. `metricGradient` [B, 1, D]. */
  pretrain(r: Recorder): Outputs {
    const { network, ops } = r;
    const tape = keptTape(r);
    const decoder = network.decode(
      network.oneHot(r.input('previous')),
      tape.outputs.unit,
      tape.embedding.unit,
    );
    const d = network.decodeGradient(decoder, tape.cells, r.input('share'));
    const dEncoder = network.encodeGradient(tape, d.encoded, ops.add(d.embedding, r.input('metricGradient')));
    return { loss: network.reconstructionLoss(decoder, tape.cells), ...d.weights, ...dEncoder };
  },

  /** Eq. 1. `targets` [B, 1]; `errorShare` twice the weight of one row's squared error. */
  search(r: Recorder): Outputs {
    const { network, ops } = r;
    const tape = r.encode();
    const predictor = predictorLoss(r, tape);
    const decoder = network.decode(
      network.oneHot(r.input('previous')),
      tape.outputs.unit,
      tape.embedding.unit,
    );
    const d = network.decodeGradient(decoder, tape.cells, r.input('share'));
    const dEncoder = network.encodeGradient(tape, d.encoded, ops.add(d.embedding, predictor.embedding));
    return {
      loss: network.reconstructionLoss(decoder, tape.cells),
      squaredError: predictor.squaredError,
      ...predictor.weights,
      ...d.weights,
      ...dEncoder,
    };
  },

  /** Eq. 1 where only the predictor learns. */
  searchFrozen(r: Recorder): Outputs {
    const { network } = r;
    const tape = r.encode();
    const predictor = predictorLoss(r, tape);
    const decoder = network.decode(
      network.oneHot(r.input('previous')),
      tape.outputs.unit,
      tape.embedding.unit,
    );
    return {
      loss: network.reconstructionLoss(decoder, tape.cells),
      squaredError: predictor.squaredError,
      ...predictor.weights,
    };
  },

  embed(r: Recorder): Outputs {
    return { embeddings: r.encode().embedding.unit };
  },

  predict(r: Recorder): Outputs {
    return { predicted: r.network.predict(r.encode().embedding.unit).predicted };
  },

  /** What greedy decoding starts from: encoder_outputs [B, T, D] and arch_emb [B, 1, D]. */
  outputs(r: Recorder): Outputs {
    const { outputs, embedding } = r.encode();
    return { outputs: outputs.unit, embeddings: embedding.unit };
  },

  /** The same after NAO's move by `step`, a scalar, and the predictor's value of it. */
  move(r: Recorder): Outputs {
    const { network, ops } = r;
    const { outputs, embedding } = r.encode();
    const predictor = network.predict(embedding.unit);
    const dEmbedding = network.predictGradient(predictor, ops.onesLike(predictor.predicted)).embedding;
    const direction = network.embedGradient(embedding, dEmbedding);
    const moved = network.move(outputs.unit, direction, r.input('step'));
    const embeddings = network.embed(moved).unit;
    return { outputs: moved, embeddings, predicted: network.predict(embeddings).predicted };
  },

  /** Greedy decoding of `outputs` [B, T, D] and `embeddings` [B, 1, D]; `start` int32 [B] are zeros. */
  decode(r: Recorder): Outputs {
    const [outputs, embeddings, start] = ['outputs', 'embeddings', 'start'].map((name) => r.input(name));
    return { decoded: r.network.decodeGreedily(outputs!, embeddings!, start!) };
  },
} satisfies Record<string, (recorder: Recorder) => Outputs>;

export type ProgramName = keyof typeof recipes;

const programNames = Object.keys(recipes) as ProgramName[];

function predictorLoss(r: Recorder, tape: EncoderTape) {
  const { network, ops } = r;
  const predictor = network.predict(tape.embedding.unit);
  const error = ops.sub(predictor.predicted, r.input('targets'));
  const d = network.predictGradient(predictor, ops.mul(error, r.input('errorShare')));
  return { ...d, squaredError: ops.sum(ops.square(error), 0) };
}

/** An encoder tape of inputs under the names under which `encode` gives them out. */
function keptTape(r: Recorder): EncoderTape {
  const shape = new Recorder(r.graph.binding, r.network.config).encode();
  return rename(shape, (path) => (path === 'zero' ? r.graph.borrowed(path) : r.graph.consumed(path)));
}

interface Tree {
  [key: string]: Value | Tree;
}

/** The leaves of a tape by their paths, as in `forward.h`. */
function flatten(tape: object, prefix = ''): Outputs {
  const flat: Outputs = {};
  for (const [key, leaf] of Object.entries(tape as Tree)) {
    if (typeof leaf === 'number') flat[prefix + key] = leaf;
    else Object.assign(flat, flatten(leaf, `${prefix}${key}.`));
  }
  return flat;
}

function rename<T extends object>(tape: T, leafOf: (path: string) => Value, prefix = ''): T {
  const entries = Object.entries(tape as Tree).map(([key, leaf]) => [
    key,
    typeof leaf === 'number' ? leafOf(prefix + key) : rename(leaf, leafOf, `${prefix}${key}.`),
  ]);
  return Object.fromEntries(entries);
}
