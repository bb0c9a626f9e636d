import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMd5, LANES } from '../../../src/core/space/md5.js';

it('hashes every lane as node:crypto does', () => {
  const blocks = 4;
  const md5 = createMd5(blocks);
  const message = fc.uint8Array({ maxLength: blocks * 64 - 9 });
  fc.assert(
    fc.property(fc.array(message, { minLength: LANES, maxLength: LANES }), (texts) => {
      const lengths = texts.map((text, lane) => {
        const padded = new Uint8Array((text.length + 9 + 63) & ~63);
        padded.set(text);
        padded[text.length] = 0x80;
        new DataView(padded.buffer).setUint32(padded.length - 8, text.length * 8, true);
        for (const [i, byte] of padded.entries()) md5.messages.setUint8(lane * md5.messageBytes + i, byte);
        return padded.length / 64;
      });
      for (let k = 0; k < blocks; k++) md5.compress(k);
      for (let lane = 0; lane < LANES; lane++) {
        for (let r = 0; r < 4; r++) {
          md5.digests[lane * 4 + r] = md5.states[((lengths[lane]! - 1) * 4 + r) * LANES + lane]!;
        }
      }
      md5.toHex();
      const hex = Buffer.from(md5.hex.slice().buffer).toString('latin1');
      expect(hex).toBe(texts.map((text) => createHash('md5').update(text).digest('hex')).join(''));
    }),
  );
});
