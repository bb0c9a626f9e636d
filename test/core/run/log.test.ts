import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Field,
  FixedSizeList,
  Float32,
  Int64,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Utf8,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EventRow,
  embeddingBatch,
  embeddingsOf,
  eventSchemas,
  isDetermined,
  RowBuffer,
  rowsOf,
  sliceBatch,
} from '../../../src/core/batch/index.js';
import { decodeBatch, decodeSchema, encodeBatch, encodeSchema } from '../../../src/core/batch/ipc.js';
import { RxnasError } from '../../../src/core/errors.js';
import { crc32, crc32InJavaScript } from '../../../src/core/run/crc32.js';
import { readLog, scanLog } from '../../../src/core/run/index.js';
import {
  encodeFrame,
  frameHeaderBytes,
  frameType,
  maxPayloadBytes,
} from '../../../src/core/run/log/frame.js';
import { LogWriter } from '../../../src/core/run/log/writer.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const train = (epoch: number): EventRow<'train'> => ({
  round: 1,
  epoch,
  total: epoch / 3,
  mse: Number.NaN,
  reconstruction: -0,
  gradient_norm: Number.POSITIVE_INFINITY,
  learning_rate: 5e-324,
});

const proposal = (step: number) => ({ round: 1, step, decoded: 128, valid: 100, fresh: 7 });

const newLog = () => join(temporaryFolder(), 'events.log');

const rowsIn = (file: string) =>
  [...readLog(file)].flatMap(({ event, batch }) => [...rowsOf(batch)].map((row) => [event, row]));

function write(file: string, count: number): void {
  const log = LogWriter.create(file);
  for (let i = 0; i < count; i++) {
    log.appendRow('train', eventSchemas.train, train(i));
    if (i % 3 === 2) log.appendRow('proposal', eventSchemas.proposal, proposal(i));
  }
  log.close();
}

describe('CRC-32', () => {
  it('is that of zlib, with and without zlib', () => {
    expect(crc32InJavaScript(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
    const rest = crc32InJavaScript(bytes.subarray(300), crc32(bytes.subarray(0, 300)));
    expect(rest).toBe(crc32InJavaScript(bytes));
  });
});

describe('log', () => {
  it('gives the rows back in their order, bit by bit', () => {
    const file = newLog();
    write(file, 7);
    const expected = [0, 1, 2, 'p2', 3, 4, 5, 'p5', 6].map((item) =>
      typeof item === 'number' ? ['train', train(item)] : ['proposal', proposal(Number(item.slice(1)))],
    );
    expect(rowsIn(file)).toEqual(expected);
    expect([...readLog(file, { events: ['proposal'] })].map(({ row }) => row)).toEqual([0, 1]);
  });

  it('numbers records and the rows of each event', () => {
    const file = newLog();
    write(file, 6);
    const records = [...readLog(file)].map(({ event, record, row, batch }) => [
      event,
      record,
      row,
      batch.numRows,
    ]);
    // Records 0 and 2 are the schemas.
    expect(records).toEqual([
      ['train', 1, 0, 3],
      ['proposal', 3, 0, 1],
      ['train', 4, 3, 3],
      ['proposal', 5, 1, 1],
    ]);
    expect(scanLog(file).position).toEqual({
      bytes: statSync(file).size,
      records: 6,
      rows: { train: 6, proposal: 2 },
    });
  });

  it('takes batches, slices of batches, and splits large ones', () => {
    const file = newLog();
    const rows = 300_000;
    const embedding = Float32Array.from({ length: rows * 16 }, (_, i) => i);
    const cell = Uint32Array.from({ length: rows }, (_, i) => i);
    const batch = embeddingBatch(16, { cell, hash: Array.from(cell, (i) => `hash ${i}`), embedding });
    const log = LogWriter.create(file);
    log.appendBatch('embedding', batch);
    log.appendBatch('embedding', sliceBatch(batch, 10, 13));
    log.appendBatch('embedding', sliceBatch(batch, 5, 5));
    log.close();
    const records = [...readLog(file)];
    expect(records.length).toBeGreaterThan(2);
    expect(records.reduce((sum, record) => sum + record.batch.numRows, 0)).toBe(rows + 3);
    const last = records.at(-1)!;
    expect(embeddingsOf(last.batch as never)).toEqual(embedding.slice(160, 208));
    expect([...rowsOf(last.batch)].map((row) => row.hash)).toEqual(['hash 10', 'hash 11', 'hash 12']);
  });

  it('goes on after it was closed, with the schemas it has', () => {
    const file = newLog();
    write(file, 3);
    const { writer, torn } = LogWriter.open(file);
    expect(torn).toBeUndefined();
    writer.appendRow('train', eventSchemas.train, train(3));
    writer.close();
    expect(rowsIn(file).at(-1)).toEqual(['train', train(3)]);
    expect(scanLog(file).schemas.map(({ event }) => event)).toEqual(['train', 'proposal']);
  });

  it('is cut back to an earlier position', () => {
    const file = newLog();
    const log = LogWriter.create(file);
    log.appendRow('train', eventSchemas.train, train(0));
    log.flush();
    const { position } = log;
    log.appendRow('proposal', eventSchemas.proposal, proposal(0));
    log.close();
    const { writer } = LogWriter.open(file, position);
    writer.appendRow('train', eventSchemas.train, train(1));
    writer.close();
    expect(rowsIn(file)).toEqual([
      ['train', train(0)],
      ['train', train(1)],
    ]);
    expect(() => LogWriter.open(file, { ...position, bytes: position.bytes + 8 })).toThrow('has no record');
    expect(() => LogWriter.open(file, { ...position, bytes: 1e6 })).toThrow('has no record');
  });

  it.skipIf(process.platform !== 'linux')('closes its file when the reader leaves', () => {
    const file = newLog();
    write(file, 9);
    const files = () => readdirSync('/proc/self/fd').length;
    const before = files();
    const reader = readLog(file);
    reader.next();
    expect(files()).toBe(before + 1);
    reader.return(undefined as never);
    expect(files()).toBe(before);
  });

  it('costs next to nothing', () => {
    const log = LogWriter.create(newLog());
    const before = process.cpuUsage();
    for (let i = 0; i < 50_000; i++) log.appendRow('train', eventSchemas.train, train(i));
    log.close();
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 50_000).toBeLessThan(50); // µs a row; measured 3
  });
});

describe('damage', () => {
  it('a log that is none, or of another version', () => {
    const file = newLog();
    write(file, 3);
    const bytes = readFileSync(file);
    const refused = (content: Uint8Array, message: string) => {
      writeFileSync(file, content);
      expect(() => [...readLog(file)]).toThrow(message);
    };
    refused(Buffer.from('PAR1 this is another file'), 'it is no event log of rxnas');
    const later = Buffer.from(bytes);
    later.writeUInt32LE(2, 8);
    refused(later, 'first 16 bytes are damaged');
    later.writeUInt32LE(crc32(later.subarray(0, 12)), 12);
    refused(later, 'format version 2; this rxnas reads version 1');
    expect(() => [...readLog(join(file, '..', 'missing.log'))]).toThrow('missing');
  });

  it('in the middle is an error that names byte and record', () => {
    const file = newLog();
    write(file, 6);
    const [, second] = [...readLog(file)];
    const bytes = readFileSync(file);
    bytes[second!.offset + frameHeaderBytes + 3]! ^= 1;
    writeFileSync(file, bytes);
    const read = () => [...readLog(file)];
    expect(read).toThrow(`is damaged at byte ${second!.offset}, record ${second!.record}`);
    expect(read).toThrow('whole records follow at byte');
    expect(() => LogWriter.open(file)).toThrow(RxnasError);
    expect(readFileSync(file)).toEqual(bytes); // untouched
  });

  it('records that were taken out, put in or exchanged', () => {
    const file = newLog();
    write(file, 9);
    const bytes = readFileSync(file);
    const at = [...readLog(file)].map(({ offset }) => offset);
    const without = Buffer.concat([bytes.subarray(0, at[2]), bytes.subarray(at[3])]);
    writeFileSync(file, without);
    expect(() => [...readLog(file)]).toThrow('records are missing or were put in');
    const twice = Buffer.concat([bytes.subarray(0, at[3]), bytes.subarray(at[2])]);
    writeFileSync(file, twice);
    expect(() => [...readLog(file)]).toThrow('records are missing or were put in');
  });

  it('lengths that lie are refused without allocating them', () => {
    const file = newLog();
    write(file, 2);
    const [first] = [...readLog(file)];
    const lie = (change: (header: Buffer) => void) => {
      const bytes = readFileSync(file);
      const header = bytes.subarray(first!.offset, first!.offset + frameHeaderBytes);
      change(header);
      header.writeUInt32LE(crc32(header.subarray(0, 44)), 44);
      const copy = `${file}.lie`;
      writeFileSync(copy, bytes);
      return () => [...readLog(copy)];
    };
    expect(lie((header) => header.writeUInt32LE(0xffff_fff8, 4))).toThrow(`more than ${maxPayloadBytes}`);
    expect(lie((header) => header.writeUInt32LE(13, 4))).toThrow('no multiple of 8');
    expect(lie((header) => header.writeUInt32LE(0xffff_ffff, 12))).toThrow(
      'its content is not what its schema says',
    );
    expect(lie((header) => header.writeUInt16LE(77, 10))).toThrow('of an unknown kind');
    expect(lie((header) => header.writeUInt16LE(9, 8))).toThrow('of an unknown kind (9)');
    expect(lie((header) => header.writeBigUInt64LE(5n, 24))).toThrow('begins at row 5 of');
  });

  it('content with right checksums but wrong Arrow messages ends in an error, in bounded time', () => {
    const folder = temporaryFolder();
    const source = join(folder, 'source.log');
    write(source, 2);
    const bytes = readFileSync(source);
    const [first] = [...readLog(source)];
    const payload = bytes.subarray(first!.offset + frameHeaderBytes);
    const header = { type: frameType.rows, schema: 0, rows: 2, record: 1, row: 0, time: 0 };
    const file = join(folder, 'events.log');
    fc.assert(
      fc.property(
        fc.nat(payload.length - 1),
        fc.nat(255),
        fc.nat(payload.length - 4),
        (at, value, wordAt) => {
          const changed = Buffer.from(payload);
          changed[at] = value;
          changed.writeInt32LE(0x7fff_ffff, wordAt & ~3);
          writeFileSync(
            file,
            Buffer.concat([bytes.subarray(0, first!.offset), encodeFrame(header, changed)]),
          );
          try {
            for (const { batch } of readLog(file)) [...rowsOf(batch)];
          } catch (error) {
            expect(error).toBeInstanceOf(RxnasError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('schemas with right checksums but wrong content are refused in bounded time', () => {
    const good = encodeSchema(eventSchemas.query);
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.nat(255),
        fc.nat(good.length - 4),
        fc.boolean(),
        (at, value, word, big) => {
          const changed = Buffer.from(good);
          changed[at] = value;
          if (big) changed.writeInt32LE(0x7fff_ffff, word & ~3);
          try {
            expect(decodeSchema(changed).fields.length).toBeLessThanOrEqual(1024);
          } catch (error) {
            expect((error as Error).name).toMatch('RangeError');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('Arrow messages', () => {
  const schema = new Schema<{ a: Int64; b: Utf8; c: FixedSizeList<Float32> }>([
    new Field('a', new Int64(), true),
    new Field('b', new Utf8(), true),
    new Field('c', new FixedSizeList(3, new Field('item', new Float32(), false)), true),
  ]);

  it('are read as apache-arrow reads them', () => {
    const row = fc.record({
      a: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      b: fc.option(fc.string()),
      c: fc.option(fc.tuple(fc.float(), fc.float(), fc.float())),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), fc.nat(12), (rows, from) => {
        const buffer = new RowBuffer(schema);
        for (const item of rows) buffer.push(item as never);
        const batch = sliceBatch(buffer.drain(), Math.min(from, rows.length));
        const payload = new Uint8Array(encodeBatch(batch));
        const decoded = decodeBatch(schema, payload, batch.numRows);
        expect([...rowsOf(decoded)]).toEqual([...rowsOf(batch)]);
        const stream = Buffer.concat([encodeSchema(schema), payload, Buffer.alloc(8)]);
        const [theirs] = [...RecordBatchReader.from(stream)];
        expect(theirs?.numRows ?? 0).toBe(batch.numRows);
        if (theirs) expect([...rowsOf(theirs as never)]).toEqual([...rowsOf(batch)]);
      }),
    );
    expect(String(decodeSchema(encodeSchema(schema)))).toBe(String(schema));
  });

  it('have the schema that a stream of apache-arrow has', () => {
    const writer = new RecordBatchStreamWriter();
    writer.write(new RowBuffer(schema).drain());
    writer.finish();
    const bytes = Buffer.from(writer.toUint8Array(true));
    const ours = Buffer.from(encodeSchema(schema));
    expect(bytes.subarray(0, ours.length)).toEqual(ours);
  });

  it('columns of other types are refused', () => {
    const list = new FixedSizeList(2, new Field('item', new Utf8(), false));
    expect(() => decodeSchema(encodeSchema(new Schema([new Field('a', list, false)])))).toThrow(
      'lists of Utf8',
    );
    expect(() => decodeSchema(encodeSchema(new Schema([])))).toThrow('0 columns');
    const proto = new Schema([new Field('__proto__', new Utf8(), false)]);
    expect(() => decodeSchema(encodeSchema(proto))).toThrow("a column '__proto__'");
  });
});

it('events that equal runs need not log equally are named', () => {
  expect(['step', 'query', 'checkpoint', 'stage', 'mine'].map(isDetermined)).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
});
