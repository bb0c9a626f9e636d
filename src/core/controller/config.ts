/** Shape of a controller (REFERENCE §4). The defaults are the paper's, for nasbench101. */
export interface ControllerConfig {
  /** Token values, 0 (padding and start) included. */
  vocabulary: number;
  /** Padded sequence length. */
  length: number;
  /** Embedding, hidden and architecture-embedding size (they are equal in the paper's controller). */
  dim: number;
  /** Sizes of the predictor's two hidden layers; the second must equal `dim` (residual). */
  predictor: number;
}

export const nasbench101Controller: ControllerConfig = { vocabulary: 7, length: 27, dim: 16, predictor: 64 };

/** Parameters by PyTorch's names (as in golden `state_dict`), row-major float32. The 26 names are {@link parameterShapes}. */
export type Weights = Record<string, Float32Array>;
