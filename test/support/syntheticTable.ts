import { Field, Float64, Schema, Utf8 } from 'apache-arrow';
import { makeBatch } from '../../src/core/batch/index.js';
import { stream } from '../../src/core/random/random.js';
import { ParquetColumnSink } from '../../src/core/run/index.js';
import { nasbench201 } from '../../src/core/space/nasbench201.js';

/**
 * Writes a table in the columns of NAS-Bench-201, of every so many cells, whose accuracies are a smooth function of the cell: there is
 * something to learn.
 */
export async function writeSyntheticTable(path: string, every = 1): Promise<void> {
  const cells = [...nasbench201.cells()].filter((_, i) => i % every === 0);
  const accuracy = cells.map((cell) => {
    const convolutions = nasbench201.describe(cell).ops.filter((op) => op.includes('conv')).length;
    return Math.round((82 + 2 * convolutions + stream(0, cell).float()) * 100) / 100;
  });
  const schema = new Schema<{ arch: Utf8; cifar10_valid_200: Float64; cifar10_test_200: Float64 }>([
    new Field('arch', new Utf8(), false),
    new Field('cifar10_valid_200', new Float64(), false),
    new Field('cifar10_test_200', new Float64(), false),
  ]);
  const sink = new ParquetColumnSink(path, schema);
  await sink.write(
    makeBatch(schema, {
      arch: cells.map((cell) => nasbench201.hash(cell)),
      cifar10_valid_200: Float64Array.from(accuracy),
      cifar10_test_200: Float64Array.from(accuracy, (value) => value - 0.5),
    }),
  );
  await sink.close();
}
