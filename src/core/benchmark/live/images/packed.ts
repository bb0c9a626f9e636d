import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { dataError } from '../../../errors.js';
import type { RawHalves, RawImages } from './raw.js';

const size = z.int().min(1).max(100_000_000);
const half = z.strictObject({
  count: size,
  rows: size.max(4096),
  columns: size.max(4096),
  channels: z.union([z.literal(1), z.literal(3)]),
});
const headerSchema = z.strictObject({ training: half, test: half });

const halves = ['training', 'test'] as const;
/** Bytes in which the header's own length stands. */
const prefix = 4;

/** Both halves of a data set as one file, as they are sent to other machines: length of a JSON header, the header, then pixels and labels of each half. */
export function packImages(images: RawHalves): Uint8Array {
  const shape = ({ count, rows, columns, channels }: RawImages) => ({ count, rows, columns, channels });
  const header = Buffer.from(JSON.stringify({ training: shape(images.training), test: shape(images.test) }));
  const length = Buffer.alloc(prefix);
  length.writeUInt32LE(header.length);
  return Buffer.concat([
    length,
    header,
    ...halves.flatMap((name) => [images[name].pixels, images[name].labels]),
  ]);
}

/** The images of a file that {@link packImages} has made. Throws exit code 3 where it is none, or not whole. */
export function readPackedImages(file: string): RawHalves {
  const bytes = readFileSync(file);
  const damaged = (why: string) =>
    dataError(`${file} holds no packed images: ${why}`, 'remove it: it is fetched again');
  const length = bytes.length >= prefix ? bytes.readUInt32LE() : 0;
  let header: z.output<typeof headerSchema>;
  try {
    header = headerSchema.parse(JSON.parse(bytes.toString('utf8', prefix, prefix + length)));
  } catch {
    throw damaged('its header is damaged');
  }
  let offset = prefix + length;
  const take = (count: number) => {
    offset += count;
    return bytes.subarray(offset - count, offset);
  };
  const read = (name: (typeof halves)[number]): RawImages => {
    const { count, rows, columns, channels } = header[name];
    return { ...header[name], pixels: take(count * rows * columns * channels), labels: take(count) };
  };
  const images = { training: read('training'), test: read('test') };
  if (offset !== bytes.length) throw damaged(`${bytes.length} bytes, not ${offset}`);
  return images;
}
