import * as zlib from 'node:zlib';

type Crc32 = (bytes: Uint8Array, value?: number) => number;

/** CRC-32 (the polynomial of zlib, PNG and gzip) of `bytes`; `value` continues an earlier one. */
export const crc32: Crc32 = (zlib as { crc32?: Crc32 }).crc32 ?? crc32InJavaScript;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb8_8320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** For Node before 20.15, which lacks `zlib.crc32`. */
export function crc32InJavaScript(bytes: Uint8Array, value = 0): number {
  let crc = ~value;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
