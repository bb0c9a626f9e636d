import type { ControllerConfig, Weights } from '../controller/config.js';

/** The engines among which `auto` chooses: tfjs where tfjs-node loads, simd where it does not. */
export type StandardEngineName = 'tfjs' | 'simd';

/** Which implementation computes the controller. `simd-relaxed` is simd with fused operations: faster, with the bits of this machine. */
export type EngineName = StandardEngineName | 'simd-relaxed';

/**
 * The seam between pipelines and arithmetic. It lies at the controller, not at the tensor: an engine owns everything
 * between token ids and weights. Arrays that are handed in are never kept or written to; arrays handed out are the
 * caller's. Everything is float32 inside unless said otherwise. All methods may be called only one at a time.
 */
export interface Engine {
  readonly name: EngineName;
  /** Threads that one controller's step uses. */
  readonly threads: number;
  /** A controller with these weights on this engine. */
  controller(config: ControllerConfig, weights: Weights): Promise<Controller>;
  /** Live engine resources (tensors, workers): 0 when every controller was disposed. */
  resources(): number;
  dispose(): Promise<void>;
}

export interface EngineOptions {
  /** 1 to 16; the default is the engine's own choice for this machine. */
  threads?: number;
}

/** The activations of one encoder forward pass, kept for the backward pass. Dispose of every one exactly once. */
export interface Activations {
  /** Number of sequences. */
  readonly rows: number;
  /** `arch_emb`, row-major [rows, dim], L2-normalised; REFERENCE §4. */
  readonly embeddings: Float32Array;
  dispose(): void;
}

export interface PretrainStep {
  /** Weight of L_rec, which eq. 2 has 1 for; 0: the decoder learns nothing, and the encoder from the metric alone. Default 1. */
  reconstructionWeight?: number;
  /** d(w·L_metric)/d(embeddings), row-major [rows, dim], already weighted; absent = 0 (eq. 2 without metric). */
  metricGradient?: Float32Array | Float64Array;
  learningRate: number;
  /** Largest gradient norm over all parameters; absent = no clipping. */
  clipNorm?: number;
}

export interface SearchStep {
  /** Targets in [0, 1], one a row. */
  targets: Float32Array;
  /** λ of eq. 1: λ·MSE + (1 − λ)·L_rec. */
  tradeoff: number;
  learningRate: number;
  clipNorm?: number;
  /** Keep encoder and decoder as they are (option of the paper); default false. */
  freezeEncoder?: boolean;
}

export interface SearchLosses {
  /** λ·mse + (1 − λ)·reconstruction */
  total: number;
  mse: number;
  /** Mean NLL over rows·length, pads included. */
  reconstruction: number;
  /** Norm over all parameters before clipping. */
  gradientNorm: number;
}

/** One controller (encoder, predictor, decoder; REFERENCE §4) on one engine. Tokens are row-major [rows, length]. */
export interface Controller {
  readonly config: ControllerConfig;
  /** Encoder forward pass, keeping what backward needs. */
  encode(tokens: Int32Array): Promise<Activations>;
  /**
   * Eq. 2 on activations from {@link encode}: teacher-forced reconstruction of the same tokens, plus the metric gradient fed in,
   * backward through decoder and encoder (not run forward again), SGD. Returns the reconstruction loss before the update.
   * The activations are stale afterwards but still have to be disposed of.
   */
  pretrainStep(
    activations: Activations,
    step: PretrainStep,
  ): Promise<{ reconstruction: number; gradientNorm: number }>;
  /** Eq. 1 on queried cells: predictor + decoder, backward, clip, SGD. */
  searchStep(tokens: Int32Array, step: SearchStep): Promise<SearchLosses>;
  /** The gradients that the two steps would apply (unclipped), for tests. */
  pretrainGradients(tokens: Int32Array, metricGradient?: Float32Array | Float64Array): Promise<Weights>;
  searchGradients(tokens: Int32Array, targets: Float32Array, tradeoff: number): Promise<Weights>;
  /** `arch_emb` [rows, dim], nothing kept. */
  embed(tokens: Int32Array): Promise<Float32Array>;
  /** Predicted targets [rows], in (0, 1). */
  predict(tokens: Int32Array): Promise<Float32Array>;
  /**
   * NAO's move (REFERENCE §7): encoder_outputs + step·∂predict/∂encoder_outputs, re-normalised, decoded greedily.
   * `decoded` is [rows, length], `predicted` the predictor's value of the moved embeddings.
   */
  propose(
    tokens: Int32Array,
    step: number,
  ): Promise<{ decoded: Int32Array; predicted: Float32Array; embeddings: Float32Array }>;
  /** Greedy decoding from the unmoved encoder outputs: [rows, length]. */
  reconstruct(tokens: Int32Array): Promise<Int32Array>;
  /** A copy of all parameters. */
  weights(): Promise<Weights>;
  load(weights: Weights): Promise<void>;
  dispose(): void;
}
