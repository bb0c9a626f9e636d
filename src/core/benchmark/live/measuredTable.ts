import { Field, Float64, Int32, Schema, Uint8, Uint32, Utf8 } from 'apache-arrow';
import { type ColumnType, makeBatch, type Values } from '../../batch/index.js';
import { ParquetColumnSink } from '../../run/parquet/columnSink.js';
import { edgeBitsOf, interiorOps, nasbench101, verticesOf } from '../../space/nasbench101.js';
import type { CellCode } from '../../space/space.js';
import { measuredColumns } from '../layouts.js';
import type { Training } from './training.js';

/** Trainings of a cell, one a repeat. */
export type Repeats = readonly Training[];

/** Write finished trainings as the table that `openMeasured` opens, a row a cell; whole and durable, or not at all. */
export async function writeMeasuredTable(
  path: string,
  cells: readonly CellCode[] | Uint32Array,
  repeatsOf: (cell: CellCode) => Repeats,
): Promise<void> {
  const rows = Array.from(cells, repeatsOf);
  const repeats = rows[0]?.length ?? 0;
  const columns: [name: string, type: ColumnType, values: Values<ColumnType>][] = [
    ['module_hash', new Utf8(), Array.from(cells, (cell) => nasbench101.hash(cell))],
    ['num_vertices', new Uint8(), Uint8Array.from(cells, verticesOf)],
    ['edge_bits', new Uint32(), Uint32Array.from(cells, edgeBitsOf)],
    ['interior_ops', new Utf8(), Array.from(cells, interiorOps)],
    ['trainable_parameters', new Int32(), Int32Array.from(rows, (row) => row[0]!.parameters)],
  ];
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const figure of ['validation', 'test', 'seconds'] as const) {
      const values = Float64Array.from(rows, (row) => row[repeat]![figure]);
      columns.push([measuredColumns[figure](repeat + 1), new Float64(), values]);
    }

  const schema = new Schema(columns.map(([name, type]) => new Field(name, type, false)));
  const values = Object.fromEntries(columns.map(([name, , values]) => [name, values]));
  const sink = new ParquetColumnSink(path, schema as Schema<Record<string, ColumnType>>);
  try {
    sink.write(makeBatch(sink.schema, values));
    await sink.close();
  } finally {
    sink.discard();
  }
}
