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

/** The paper's controller for a space. */
export const controllerFor = (space: { vocabulary: number; sequenceLength: number }): ControllerConfig => ({
  ...nasbench101Controller,
  vocabulary: space.vocabulary,
  length: space.sequenceLength,
});

/** Parameters by PyTorch's names (as in golden `state_dict`), row-major float32. The 26 names are {@link parameterShapes}. */
export type Weights = Record<string, Float32Array>;

/**
 * Number of sequences in `tokens`, row-major [rows, length]. Throws a RangeError where they are no whole rows, or a token is
 * not in the vocabulary: engines read tables by it.
 */
export function countRows({ length, vocabulary }: ControllerConfig, tokens: Int32Array): number {
  const rows = tokens.length / length;
  if (rows === 0 || !Number.isInteger(rows)) {
    throw new RangeError(`${tokens.length} tokens are no rows of ${length}`);
  }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token < 0 || token >= vocabulary) {
      throw new RangeError(
        `token ${token} in row ${Math.floor(i / length)}, the vocabulary has 0..${vocabulary - 1}`,
      );
    }
  }
  return rows;
}
