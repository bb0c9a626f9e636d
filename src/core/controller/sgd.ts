/** How one step of plain SGD moves the parameters; no momentum (REFERENCE §6, §7). */
export interface SgdStep {
  learningRate: number;
  /** Largest gradient norm over all parameters; absent = no clipping. */
  clipNorm?: number;
}

/**
 * Moves `weights` in place against `gradient` (both flat, float32) and returns the gradient's norm before clipping.
 * Clipping scales by min(1, c / (norm + 1e-6)), as torch's `clip_grad_norm_` does.
 */
export function sgd(
  weights: Float32Array,
  gradient: Float32Array,
  { learningRate, clipNorm }: SgdStep,
): number {
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) squares += gradient[i]! * gradient[i]!;
  const norm = Math.sqrt(squares);
  const scale = clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
  const factor = learningRate * scale;
  for (let i = 0; i < weights.length; i++) weights[i]! -= factor * gradient[i]!;
  return norm;
}
