import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { expect, it } from 'vitest';
import { openArrow } from '../../../../src/core/benchmark/import/arrow.js';
import { lz4Frame } from '../../../../src/core/benchmark/import/lz4Frame.js';
import { stream } from '../../../../src/core/random/random.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

/** `pa.Codec('lz4').compress(content)` of pyarrow 17, content = '0,1,…,39,' 2,000 times. */
const frame = Buffer.from(
  'BCJNGEBAwHkBAAD/XzAsMSwyLDMsNCw1LDYsNyw4LDksMTAsMTEsMTIsMTMsMTQsMTUsMTYsMTcsMTgsMTksMjAsMjEsMjIsMjMsMjQsMjUsMjYsMjcsMjgsMjksMzAsMzEsMzIsMzMsMzQsMzUsMzYsMzcsMzgsMzksbgD/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////elAwLDMxLAoBAAAPqv//////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////6FAyLDIzLAoBAAAPbgD/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////6FA0LDE1LGUAAAAPqv//////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////o1A4LDM5LAAAAAA=',
  'base64',
);

it('a frame of LZ4 gives its content', () => {
  const numbers = `${Array.from({ length: 40 }, (_, i) => i).join(',')},`;
  const content = Buffer.from(numbers.repeat(2000));
  expect(lz4Frame(frame).length).toBe(content.length);
  expect(createHash('sha256').update(lz4Frame(frame)).digest('hex')).toBe(
    createHash('sha256').update(content).digest('hex'),
  );
  for (let length = 0; length < frame.length; length++)
    expect(() => lz4Frame(frame.subarray(0, length)), `cut at ${length}`).toThrow(RangeError);
});

it('an Arrow file with a byte changed anywhere is read or refused, in bounded time and memory', async () => {
  const path = join(temporaryFolder(), 't.arrow');
  const random = stream(1, 'arrow');
  for (const format of ['file', 'stream'] as const) {
    const whole = tableToIPC(tableFromArrays({ a: Float64Array.of(1, 2, 3), b: ['x', 'y', 'z'] }), format);
    for (let at = 0; at < whole.length; at += 3) {
      const bytes = Uint8Array.from(whole);
      bytes[at]! ^= 1 + random.int(255);
      writeFileSync(path, bytes);
      try {
        const source = await openArrow(path);
        for await (const { rows } of source.chunks(source.columns)) expect(rows).toBeLessThanOrEqual(2 ** 22);
      } catch (error) {
        expect(error, `byte ${at} of a ${format}`).toMatchObject({ exitCode: 3 });
      }
    }
  }
});
