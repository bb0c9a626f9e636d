/** What the module exports: tasks and updates for the engine, and every kernel for its test. */
import { activationBytes, packedTotal, parameterBytes, sumBytes, workspaceBytes } from './layout';

export { runShard } from './steps';
export { configure } from './layout';
export { packController } from './pack';
export { addShards, descend, gradientNorm, gradients } from './update';

/** First address that the host may allot. */
export function heapBase(): usize {
  return __heap_base;
}

// Sizes of the regions for the configured shape.
export function sizeOfParameters(): usize {
  return parameterBytes;
}
export function sizeOfPacked(): usize {
  return packedTotal;
}
export function sizeOfSums(): usize {
  return sumBytes;
}
export function sizeOfActivations(): usize {
  return activationBytes;
}
export function sizeOfWorkspace(): usize {
  return workspaceBytes;
}

export { gather, scatterAdd, storeLanes, storeRows } from './lanes';
export { expRows, logRows, sigmoidRows, tanhRows } from './math';
export { addOuter, addProduct, addSums, laneProduct, laneRow, pack, packTransposed, packedBytes, product, productRows } from './products';
export { normalise, normaliseBackward } from './normalise';
export { softmax, softmaxBackward } from './softmax';
export { lstmCell, lstmCellBackward } from './lstm';
export { numberStates } from './shared';
export { argmax, crossEntropy } from './decoder';
