import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dataError } from '../../errors.js';
import { beginsAsTfRecord } from './tfRecords.js';

export const sourceFormats = ['tfrecord', 'csv', 'json', 'parquet', 'arrow'] as const;
export type SourceFormat = (typeof sourceFormats)[number];

const byExtension: Record<string, SourceFormat> = {
  tfrecord: 'tfrecord',
  tfrecords: 'tfrecord',
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
  parquet: 'parquet',
  pq: 'parquet',
  arrow: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
  arrows: 'arrow',
};

/**
 * What a file is, by what it begins with; by its name where that does not tell. Throws exit code 3 where it cannot be read or its name
 * promises what its content is not.
 */
export function formatOf(path: string): SourceFormat {
  const head = headOf(path);
  const named = byExtension[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ''];
  const found = foundFormat(head);
  if (found) return found;
  const text = head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
  if (named && (text || (named !== 'csv' && named !== 'json'))) return named;
  if (text) return 'csv';
  throw dataError(`${path} is of no known kind`, 'give a TFRecord, CSV, JSON, Parquet or Arrow file');
}

function foundFormat(head: Buffer): SourceFormat | undefined {
  const magic = head.toString('latin1', 0, 6);
  if (magic.startsWith('PAR1')) return 'parquet';
  if (magic === 'ARROW1' || magic.startsWith('\xff\xff\xff\xff')) return 'arrow';
  if (beginsAsTfRecord(head)) return 'tfrecord';
  return /^[[{]/.test(head.toString('utf8').replace(/^\ufeff?\s*/, '')) ? 'json' : undefined;
}

function headOf(path: string): Buffer {
  let fd: number;
  try {
    if (statSync(path).isDirectory()) throw dataError(`${path} is a folder`, 'name the file in it');
    fd = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw dataError(
      code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path} (${code})`,
      'check the path',
      { cause: error },
    );
  }
  try {
    const bytes = Buffer.alloc(512);
    const count = readSync(fd, bytes, 0, bytes.length, 0);
    if (count === 0) throw dataError(`${path} is empty`, 'fetch or write the file again');
    return bytes.subarray(0, count);
  } finally {
    closeSync(fd);
  }
}
