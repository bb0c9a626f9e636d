import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import { ByteWriter, type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { describe, expect, it } from 'vitest';
import { openCompactTable, writeCompactTable } from '../../src/core/benchmark/compactTable.js';
import { readParquetColumns } from '../../src/core/benchmark/parquetColumns.js';
import { nasbench101Controller } from '../../src/core/controller/config.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import { RxnasError } from '../../src/core/errors.js';
import { type Random, stream } from '../../src/core/random/random.js';
import { encodeCheckpoint } from '../../src/core/run/checkpoint.js';
import { crc32 } from '../../src/core/run/crc32.js';
import {
  openRun,
  packRun,
  readCheckpoint,
  readLog,
  rebuildTables,
  runState,
  unpackRun,
} from '../../src/core/run/index.js';
import { nasbench201 } from '../../src/core/space/nasbench201.js';
import { specOfRun } from '../../src/jobs/kinds.js';
import { readSpecFile } from '../../src/pipelines/fromSpec/index.js';
import { figure, fullSize } from '../support/figure.js';
import { writeSyntheticTable } from '../support/syntheticTable.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const golden = 'test/golden/runs/search-1';

/** What hostile hands do to a file: bits, numbers that lie, pieces that are cut, repeated or made up. */
function forged(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.int(copy.length);
  const put = (number: Uint8Array) => copy.set(number.subarray(0, copy.length - at), at);
  switch (random.int(6)) {
    case 0:
      copy[at]! ^= 1 << random.int(8);
      break;
    case 1:
      put(Uint8Array.of(0xff, 0xff, 0xff, random.int(2) === 0 ? 0x7f : 0xff)); // 2 GB, 4 GB, −1
      break;
    case 2: {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE([10_000_000_000n, 2n ** 63n, 2n ** 53n + 1n, 0n][random.int(4)]!);
      put(number);
      break;
    }
    case 3:
      return copy.subarray(0, at);
    case 4:
      return Buffer.concat([
        copy.subarray(0, Math.min(copy.length, at + random.int(400))),
        copy.subarray(at),
      ]);
    default:
      put(Uint8Array.from({ length: 1 + random.int(64) }, () => random.int(256)));
  }
  return copy;
}

interface Reader {
  /** A good file. */
  bytes: () => Promise<Buffer>;
  /** Sets the checksum right again, so that what is behind it is read. */
  seal?: (bytes: Buffer) => Buffer;
  /** Reads the file as rxnas does; `folder` is empty but for it. */
  read: (file: string, folder: string) => unknown;
  /** Files tried, in the tests and at full size. */
  counts: [number, number];
  /** Most seconds that one may take. */
  seconds: number;
}

const sealCheckpoint = (bytes: Buffer) => {
  if (bytes.length > 4) bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
};

async function packed(): Promise<Buffer> {
  const { file } = await packRun(golden, join(temporaryFolder(), 'run.tar'));
  return readFileSync(file);
}

/** Uncompressed, with nulls and a dictionary: forgeries fall on the lengths of runs, too. */
async function runLengthTable(): Promise<Buffer> {
  const at = Array.from({ length: 400 }, (_, i) => i);
  const columnData: ColumnSource[] = [
    { name: 'arch', data: at.map((i) => `cell ${i % 3}`), type: 'STRING', encoding: 'RLE_DICTIONARY' },
    { name: 'cifar10_valid_200', data: at.map((i) => (i % 90 < 60 ? 90 : null)), type: 'DOUBLE' },
    { name: 'cifar10_test_200', data: at.map((i) => (i % 5 === 0 ? null : i)), type: 'DOUBLE' },
  ];
  return Buffer.from(parquetWriteBuffer({ columnData, codec: 'UNCOMPRESSED' }));
}

async function tableBytes(): Promise<Buffer> {
  const file = join(temporaryFolder(), 'table.parquet');
  await writeSyntheticTable(file, 50);
  return readFileSync(file);
}

async function compactTable(): Promise<Buffer> {
  const file = join(temporaryFolder(), 'table.arrow');
  const cells = nasbench201.cells().slice(0, 60);
  const figure = { dataset: 'cifar10', epochs: 200, point: 'end', repeat: 1 } as const;
  const values = Float64Array.from(cells, (_, i) => i / 100);
  await writeCompactTable(file, {
    ...{ name: 'forged', summary: 'made in this test', provenance: 'made in this test' },
    ...{ space: nasbench201, cells, parameters: values },
    figures: (['validation', 'test'] as const).map((quantity) => ({ ...figure, quantity, values })),
  });
  return readFileSync(file);
}

/** So small that forgeries fall on what is around the weights, too. */
const config = { ...nasbench101Controller, dim: 1, predictor: 1 };
const checkpointBytes = async () =>
  encodeCheckpoint({
    space: 'nasbench101',
    controller: { config, weights: initialWeights(config, 1) },
    position: { step: 1, epoch: 2, round: 3 },
    state: { dryRounds: 0, list: [1, Number.NaN, 'x'] },
    arrays: { pool: Uint32Array.of(1, 2, 3) },
    log: { bytes: 16, records: 0, rows: { step: 4 } },
  });

const tableColumns = { numbers: ['cifar10_valid_200', 'cifar10_test_200'], texts: ['arch'] };

/** As part of a run whose other files are good. */
const inRun = (name: string, read: (dir: string) => unknown) => async (file: string, folder: string) => {
  const dir = join(folder, 'run');
  mkdirSync(join(dir, 'checkpoints'), { recursive: true });
  for (const each of ['manifest.json', 'events.log']) {
    writeFileSync(join(dir, each), readFileSync(each === name ? file : join(golden, each)));
  }
  await read(dir);
};

const readers: Record<string, Reader> = {
  manifest: {
    bytes: async () => readFileSync(join(golden, 'manifest.json')),
    read: inRun('manifest.json', async (dir) => {
      const { manifest } = openRun(dir);
      runState(dir, manifest);
      await specOfRun(manifest);
    }),
    counts: [200, 3000],
    seconds: 2,
  },
  log: {
    bytes: async () => readFileSync(join(golden, 'events.log')),
    read: inRun('events.log', async (dir) => {
      for (const _ of readLog(join(dir, 'events.log')));
      await rebuildTables(dir);
    }),
    counts: [50, 500],
    seconds: 5,
  },
  checkpoint: { bytes: checkpointBytes, read: readCheckpoint, counts: [100, 1000], seconds: 2 },
  'checkpoint with a right checksum': {
    bytes: checkpointBytes,
    seal: sealCheckpoint,
    read: readCheckpoint,
    counts: [100, 3000],
    seconds: 2,
  },
  pack: {
    bytes: packed,
    read: (file, folder) => unpackRun(file, { root: join(folder, 'runs') }),
    counts: [50, 300],
    seconds: 5,
  },
  table: {
    bytes: tableBytes,
    read: (file) => readParquetColumns(file, tableColumns),
    counts: [10, 200],
    seconds: 60,
  },
  spec: {
    bytes: async () => readFileSync('presets/pretrain.yaml'),
    read: (file) => readSpecFile(file),
    counts: [100, 2000],
    seconds: 5,
  },
  'compact table': {
    bytes: compactTable,
    read: async (file) => {
      const table = openCompactTable(file);
      for (const cell of table.list()) await table.lookup(cell);
    },
    counts: [100, 3000],
    seconds: 5,
  },
  'table of runs': {
    bytes: runLengthTable,
    read: (file) => readParquetColumns(file, tableColumns),
    counts: [10, 300],
    seconds: 60,
  },
};

describe('figure 12: files from hostile hands', () => {
  it.each(Object.entries(readers))(
    'a forged %s is refused with a message or read, in bounded time and memory',
    async (name, { bytes, seal = (same) => same, read, counts, seconds }) => {
      const good = await bytes();
      const random = stream(41, name);
      const count = counts[fullSize ? 1 : 0];
      const before = process.resourceUsage().maxRSS;
      let refused = 0;
      let longest = 0;
      const root = temporaryFolder();
      for (let i = 0; i < count; i++) {
        const folder = join(root, `${i}`);
        mkdirSync(folder);
        const file = join(folder, 'forged');
        writeFileSync(file, seal(forged(good, random)));
        const start = performance.now();
        try {
          await read(file, folder);
        } catch (error) {
          if (!(error instanceof RxnasError)) throw new Error(`forgery ${i} of ${name}`, { cause: error });
          refused++;
        }
        longest = Math.max(longest, performance.now() - start);
        await setImmediate(); // vitest wants to hear of the test
        rmSync(folder, { recursive: true });
      }
      const megabytes = (process.resourceUsage().maxRSS - before) / 1024;
      figure(
        12,
        `${count} forgeries of a ${name}: ${refused} refused with a message, the others read; at most ${(longest / 1000).toFixed(2)} s, ${megabytes.toFixed(0)} MB`,
      );
      expect(refused).toBeGreaterThan(0);
      expect(longest / 1000).toBeLessThan(seconds);
      expect(megabytes).toBeLessThan(1500);
    },
    3_600_000,
  );

  /** All are refused with this exit code and a message; nothing is written but what was there. */
  async function refuse(
    what: string,
    cases: Record<string, (folder: string) => unknown>,
    exitCode = 3,
  ): Promise<void> {
    const before = process.resourceUsage().maxRSS;
    for (const [name, work] of Object.entries(cases)) {
      const folder = temporaryFolder();
      const start = performance.now();
      const refusal = await (async () => work(folder))().catch((error: unknown) => error);
      expect(refusal, name).toMatchObject({ name: 'RxnasError', exitCode });
      expect(performance.now() - start, name).toBeLessThan(60_000);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const megabytes = (process.resourceUsage().maxRSS - before) / 1024;
    expect(megabytes).toBeLessThan(500);
    figure(
      12,
      `${Object.keys(cases).length} ${what} made on purpose: all refused, exit code ${exitCode}, ${megabytes.toFixed(0)} MB`,
    );
  }

  it('manifests made on purpose', async () => {
    const good = JSON.parse(readFileSync(join(golden, 'manifest.json'), 'utf8'));
    const manifest = (text: string) => (folder: string) => {
      writeFileSync(join(folder, 'manifest.json'), text);
      openRun(folder);
    };
    const changed = (changes: object) => manifest(JSON.stringify({ ...good, ...changes }));
    const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
    await refuse('manifests', {
      'the key __proto__': manifest(JSON.stringify(good).replace('{', '{"__proto__":{"polluted":1},')),
      'constructor deep inside': changed({ spec: JSON.parse('{"a":[{"constructor":{"prototype":1}}]}') }),
      prototype: changed({ summary: JSON.parse('{"prototype":1}') }),
      'a million arrays': manifest(deep('[', ']', 1e6)),
      'a hundred thousand objects': manifest(`${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`),
      '17 MB': manifest(`"${'x'.repeat(17 * 2 ** 20)}"`),
      'another version': changed({ version: 2 }),
      'a key of its own': changed({ run: 'rm -rf' }),
      'a name without end': changed({ id: 'x'.repeat(300) }),
      'counts that are none': changed({ log: { bytes: -1, records: 1e300, rows: {} } }),
      'a date that is none': changed({ created: '../../etc' }),
      'no object': manifest('null'),
      'a link out of the run': (folder) => {
        symlinkSync(join(process.cwd(), golden, 'manifest.json'), join(folder, 'manifest.json'));
        openRun(folder);
      },
    });
  });

  it('checkpoints made on purpose, with right checksums', async () => {
    const good = await checkpointBytes();
    const checkpoint = (bytes: Buffer) => (folder: string) => {
      const file = join(folder, '00000000.ckpt');
      writeFileSync(file, sealCheckpoint(bytes));
      readCheckpoint(file);
    };
    const length = good.readUInt32LE(12);
    const header = JSON.parse(good.toString('utf8', 24, 24 + length));
    /** With another header, the arrays as they were. */
    const headed = (text: string) => {
      const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
      const bytes = Buffer.concat([
        good.subarray(0, 24),
        json,
        good.subarray(24 + Math.ceil(length / 8) * 8),
      ]);
      bytes.writeUInt32LE(json.length, 12);
      bytes.writeBigUInt64LE(BigInt(bytes.length), 16);
      return checkpoint(bytes);
    };
    const arrays = (list: object[]) => headed(JSON.stringify({ ...header, arrays: list }));
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good);
      change(bytes);
      return checkpoint(bytes);
    };
    await refuse('checkpoints', {
      'an array of 10 GB': arrays([{ name: 'weights', type: 'float32', length: 2_500_000_000 }]),
      'an array of 2^53': arrays([{ name: 'weights', type: 'uint8', length: 2 ** 53 }]),
      'ten thousand arrays': arrays(Array(10_000).fill({ name: 'a', type: 'uint8', length: 0 })),
      'one array twice': arrays(Array(2).fill(header.arrays[0])),
      'weights of another controller': headed(
        JSON.stringify({ ...header, controller: { ...header.controller, dim: 1_000_000 } }),
      ),
      'the key __proto__': headed(JSON.stringify(header).replace('{', '{"__proto__":{"polluted":1},')),
      'nested state': headed(
        JSON.stringify({ ...header, state: 'S' }).replace('"S"', '['.repeat(1e5) + ']'.repeat(1e5)),
      ),
      'a header of 4 GB': changed((bytes) => bytes.writeUInt32LE(0xffff_ffff, 12)),
      'a file of 10 GB': changed((bytes) => bytes.writeBigUInt64LE(10_000_000_000n, 16)),
      'another version': changed((bytes) => bytes.writeUInt32LE(99, 8)),
    });
  });

  it('specs made on purpose: no code runs', async () => {
    const spec = (text: string) => (folder: string) => {
      writeFileSync(join(folder, 'spec.yaml'), text);
      return readSpecFile(join(folder, 'spec.yaml'));
    };
    const good = readFileSync('presets/pretrain.yaml', 'utf8');
    const code = 'globalThis.polluted=1;export const x=1';
    const laughs = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`)}]`,
    );
    await refuse(
      'specs',
      {
        'a million brackets': spec('['.repeat(1e6)),
        'a hundred thousand lists of lists': spec(`${'- '.repeat(1e5)}x`),
        'a thousand levels': spec(`pipeline: ${'['.repeat(1000)}${']'.repeat(1000)}`),
        'a billion laughs': spec(['a0: &a0 x', ...laughs].join('\n')),
        'an alias of itself': spec('pipeline: &a [*a]'),
        'the key __proto__': spec(`${good}\n__proto__: { polluted: 1 }\n`),
        'the key constructor': spec(`${good}\nconstructor: { prototype: { polluted: 1 } }\n`),
        'code in an address': spec(`use: ['data:text/javascript,${code}']\n${good}`),
        'code of the program': spec(`use: ['node:child_process']\n${good}`),
        'code in a tag': spec(`pipeline: !!js/function 'function () { ${code} }'`),
        'it extends a device': spec('extends: /dev/zero'),
        'it extends a folder': spec('extends: ..'),
        'bytes that are no text': (folder) => {
          writeFileSync(join(folder, 'spec.yaml'), Buffer.from([0xff, 0xfe, 0, 0x80, 0x81]));
          return readSpecFile(join(folder, 'spec.yaml'));
        },
      },
      2,
    );
  }, 60_000);

  it('logs made on purpose, with right checksums', async () => {
    const good = readFileSync(join(golden, 'events.log'));
    const [first] = readLog(join(golden, 'events.log'));
    const header = (change: (bytes: Buffer) => void) => (folder: string) => {
      const bytes = Buffer.from(good);
      const own = bytes.subarray(first!.offset, first!.offset + 48);
      change(own);
      own.writeUInt32LE(crc32(own.subarray(0, 44)), 44);
      const file = join(folder, 'events.log');
      writeFileSync(file, bytes);
      for (const _ of readLog(file));
    };
    await refuse('logs', {
      'a record of 4 GB': header((bytes) => bytes.writeUInt32LE(0xffff_fff8, 4)),
      'four billion rows': header((bytes) => bytes.writeUInt32LE(0xffff_ffff, 12)),
      'row 2^63': header((bytes) => bytes.writeBigUInt64LE(2n ** 63n, 24)),
      'a schema that is not there': header((bytes) => bytes.writeUInt16LE(0xffff, 10)),
      'a kind that is not there': header((bytes) => bytes.writeUInt16LE(7, 8)),
      'a link out of the run': (folder) => {
        const link = join(folder, 'events.log');
        symlinkSync(join(process.cwd(), golden, 'events.log'), link);
        for (const _ of readLog(link));
      },
      'a folder': (folder) => {
        for (const _ of readLog(folder));
      },
    });
  });

  it('tables made on purpose', async () => {
    const good = await runLengthTable();
    /** With another footer. */
    const footed = (change: (metadata: FileMetaData) => void) => (folder: string) => {
      const metadata = parquetMetadata(new Uint8Array(good));
      change(metadata);
      const writer = new ByteWriter();
      writeMetadata(writer, metadata);
      const start = good.length - 8 - good.readUInt32LE(good.length - 8);
      const file = join(folder, 'table.parquet');
      const end = Buffer.from(writer.getBuffer());
      writeFileSync(
        file,
        Buffer.concat([
          good.subarray(0, start),
          end,
          Buffer.from(end.subarray(-4).equals(Buffer.from('PAR1')) ? '' : 'PAR1'),
        ]),
      );
      return readParquetColumns(file, tableColumns);
    };
    await footed(() => {})(temporaryFolder()); // the footer is written as it was
    const group = ({ row_groups }: FileMetaData) => row_groups[0]!;
    const column = (metadata: FileMetaData) => group(metadata).columns[1]!.meta_data!;
    await refuse('tables', {
      'ten billion rows': footed((metadata) => {
        metadata.num_rows = 10_000_000_000n;
      }),
      'rows that are not there': footed((metadata) => {
        metadata.num_rows = 4000n;
        group(metadata).num_rows = 4000n;
      }),
      'a negative number of rows': footed((metadata) => {
        metadata.num_rows = -5n;
      }),
      'no row groups': footed((metadata) => {
        metadata.row_groups = [];
      }),
      'a page at byte ten billion': footed((metadata) => {
        Object.assign(column(metadata), {
          dictionary_page_offset: 10_000_000_000n,
          data_page_offset: 10_000_000_000n,
        });
      }),
      'a column of ten billion bytes': footed((metadata) => {
        column(metadata).total_compressed_size = 10_000_000_000n;
      }),
      'a column __proto__': footed((metadata) => {
        column(metadata).path_in_schema = ['__proto__'];
        metadata.schema[2]!.name = '__proto__';
      }),
      'text where numbers belong': (folder) => {
        writeFileSync(join(folder, 'x'), good);
        return readParquetColumns(join(folder, 'x'), { numbers: ['arch'], texts: [] });
      },
      'a footer of 4 GB': (folder) => {
        const bytes = Buffer.from(good);
        bytes.writeUInt32LE(0xffff_ffff, bytes.length - 8);
        writeFileSync(join(folder, 'x'), bytes);
        return readParquetColumns(join(folder, 'x'), tableColumns);
      },
      'lists within lists of 30 million': (folder) => {
        // Each list of a million is taken at its word by the library before its first item is read.
        const list = Buffer.from([0xf9, 0x80, 0x87, 0xa7, 0x0e]);
        const footer = Buffer.concat([Buffer.from([0x29]), ...Array(1000).fill(list)]);
        const size = Buffer.alloc(4);
        size.writeUInt32LE(footer.length);
        writeFileSync(
          join(folder, 'x'),
          Buffer.concat([Buffer.from('PAR1'), footer, size, Buffer.from('PAR1')]),
        );
        return readParquetColumns(join(folder, 'x'), tableColumns);
      },
    });
  }, 60_000);
});
