import type { Schema } from 'apache-arrow';
import { encodeSchema } from '../../batch/ipc.js';

/**
 * The key-value metadata by which readers built on Arrow (pyarrow, pandas, polars) restore the exact types, such as
 * `fixed_size_list<float>[16]`, which Parquet itself has not.
 */
export const arrowSchemaKey = 'ARROW:schema';
export const arrowSchemaValue = (schema: Schema): string =>
  Buffer.from(encodeSchema(schema)).toString('base64');
