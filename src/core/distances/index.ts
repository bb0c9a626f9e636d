import { z } from 'zod';
import { findNamed } from '../params.js';
import { cosine } from './cosine.js';
import type { Distance, DistanceSpec } from './distance.js';
import { euclidean } from './euclidean.js';
import { pairwise } from './pairwise.js';
import { squaredEuclidean } from './squaredEuclidean.js';

export { Arena } from './arena.js';
export { type ClassArrays, EmbeddingBatch } from './batch.js';
export { Classes } from './classes.js';
export type { Distance, DistanceSpec } from './distance.js';
export { embeddingGradient, type GradientScales } from './gradient.js';

/** All distances, by name. */
export const distances: readonly DistanceSpec[] = [pairwise, euclidean, squaredEuclidean, cosine];

/** A distance by its name; a usage error for an unknown one. */
export const openDistance = (name: string): Distance => findNamed('distance', distances, name).create();

/** The parameter by which miners and losses let the distance be chosen. */
export const distanceParam = (standard: string) =>
  z
    .enum(distances.map(({ name }) => name))
    .default(standard)
    .describe('distance that is compared');
