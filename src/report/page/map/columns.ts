import type { Column } from '../../model.js';

const types = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array } as const;
type Values = InstanceType<(typeof types)[Column['type']]>;

/** The numbers of a packed column. */
export async function unpack({ type, gzip }: Column): Promise<Values> {
  const stream = new Blob([bytesOf(gzip)]).stream().pipeThrough(new DecompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  if (type === 'uint8') return bytes;
  const size = types[type].BYTES_PER_ELEMENT;
  const rows = bytes.length / size;
  const values = new types[type](rows);
  for (let byte = 0; byte < size; byte++) {
    for (let i = 0; i < rows; i++) values[i]! |= bytes[byte * rows + i]! << (8 * byte);
  }
  return values;
}

/** Of Base64; newer browsers have it built in. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  if (fromBase64) return fromBase64.call(Uint8Array, text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
