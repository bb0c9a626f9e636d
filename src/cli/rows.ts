import { rowsOf } from '../core/batch/index.js';
import type { LogRecord } from '../core/run/index.js';

/** A line for each row: JSON, or event, number and columns. */
export function* linesOf({ event, batch, row }: LogRecord, json: boolean): Generator<string> {
  let index = row;
  for (const values of rowsOf(batch)) {
    const cells = Object.entries(values).map(([name, value]) => [name, plain(value)] as const);
    yield json
      ? JSON.stringify({ event, row: index, ...Object.fromEntries(cells) })
      : `${event} ${index}  ${cells.map(([name, value]) => `${name}=${short(value)}`).join(' ')}`;
    index++;
  }
}

/** JSON has no typed arrays, big integers and NaN. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

function short(value: unknown): string {
  if (value === null) return '–';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toPrecision(6);
  return Array.isArray(value) ? `[${value.length}]` : String(value);
}
