import { gzipSync } from 'node:zlib';
import type { Column } from './model.js';

/** Packs numbers for the page; see {@link Column}. */
export function column(values: Uint8Array | Uint16Array | Uint32Array): Column {
  const size = values.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(values.length * size);
  for (let byte = 0, at = 0; byte < size; byte++) {
    for (let i = 0; i < values.length; i++) bytes[at++] = values[i]! >>> (8 * byte);
  }
  return { type: `uint${8 * size}` as Column['type'], gzip: gzipSync(bytes).toString('base64') };
}
