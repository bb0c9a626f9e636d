import assert from 'node:assert/strict';
import { EmbeddingBatch } from '../core/distances/index.js';
import { type LossSpec, openLoss } from '../core/losses/index.js';
import { miners, openMiner } from '../core/miners/index.js';
import { parseParams } from '../core/params.js';
import { type Random, stream } from '../core/random/random.js';
import { type Check, descriptionCheck } from './check.js';

export interface LossCase {
  /** Parameters to check it with; default: its own defaults. */
  params?: Record<string, unknown>;
  /** Whether the order of the rows may change the value (a loss that takes the first pair of each class). */
  orderMatters?: boolean;
  /** Whether its gradient holds weights fixed that its value depends on (Circle): then it is no derivative, and that is not checked. */
  detached?: boolean;
  seed?: number;
}

/** Embeddings around a centre for each class, and their labels. */
interface Embeddings {
  values: Float64Array;
  labels: Int32Array;
}

function draw(random: Random, rows: number, dim: number, classes: number, noise = 0.6): Embeddings {
  const labels = random.shuffle(Int32Array.from({ length: rows }, (_, i) => 3 * (i % classes)));
  const centres = Float64Array.from({ length: 3 * classes * dim }, () => random.normal());
  const values = Float64Array.from(
    { length: rows * dim },
    (_, i) => centres[labels[Math.floor(i / dim)]! * dim + (i % dim)]! + noise * random.normal(),
  );
  return { labels, values };
}

const load = ({ values, labels }: Embeddings) => new EmbeddingBatch().load(values, labels);
const largest = (values: Float64Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

function near(actual: number, expected: number, tolerance: number, what: string): void {
  const off = Math.abs(actual - expected);
  assert.ok(off <= tolerance, `${what}: ${actual}, expected ${expected} within ${tolerance}`);
}

/**
 * What every metric loss must do, whatever it says: a gradient that is its derivative, the same bits again, nothing where there is nothing to
 * compare, finite values on degenerate batches, NaN for NaN.
 *
 *     for (const { name, run } of lossConformance(myLoss)) it(name, run);
 */
export function lossConformance(
  spec: LossSpec,
  { params = {}, orderMatters = false, detached = false, seed = 1 }: LossCase = {},
): Check[] {
  const open = () => openLoss(spec, params);
  const { miner: own } = spec.experiment;
  const mine = openMiner(own.name, own.params);
  const random = (what: string) => stream(seed, 'conformance', spec.name, what);

  return [
    descriptionCheck(spec),
    {
      name: 'its gradient is its derivative, by finite differences',
      run() {
        if (detached) return;
        const loss = open();
        const dim = 4;
        for (const miner of [mine, openMiner('None'), openMiner('BatchHard')]) {
          const { values, labels } = draw(random('gradient'), 20, dim, 5);
          const batch = load({ values, labels });
          const selection = miner.mine(batch); // held fixed: what is mined is no part of the derivative
          const { gradient } = loss.evaluate(batch, selection);
          const scale = largest(gradient) || 1;
          const h = 1e-6;
          const beside = new EmbeddingBatch();
          const valueAt = (i: number, step: number) => {
            const moved = Float64Array.from(values);
            moved[i]! += step;
            return loss.evaluate(beside.load(moved, labels), selection).value;
          };
          for (let i = 0; i < values.length; i++) {
            const slope = (valueAt(i, h) - valueAt(i, -h)) / (2 * h);
            near(
              gradient[i]! / scale,
              slope / scale,
              1e-5,
              `row ${Math.floor(i / dim)}, coordinate ${i % dim}`,
            );
          }
        }
      },
    },
    {
      name: 'permutes its gradient with its rows',
      run() {
        if (orderMatters) return;
        const loss = open();
        const [rows, dim] = [22, 5];
        const { values, labels } = draw(random('permutation'), rows, dim, 5);
        const order = random('order').shuffle(Int32Array.from({ length: rows }, (_, i) => i));
        const from = (i: number) => order[Math.floor(i / dim)]! * dim + (i % dim);
        const moved = {
          values: values.map((_, i) => values[from(i)]!),
          labels: labels.map((_, i) => labels[order[i]!]!),
        };
        const all = (batch: EmbeddingBatch) => loss.evaluate(batch, openMiner('None').mine(batch));
        const [one, other] = [all(load({ values, labels })), all(load(moved))];
        near(other.value, one.value, 1e-10 * Math.max(1, Math.abs(one.value)), 'value');
        const scale = largest(one.gradient) || 1;
        for (let i = 0; i < values.length; i++) {
          near(other.gradient[i]! / scale, one.gradient[from(i)]! / scale, 1e-9, `gradient at ${i}`);
        }
      },
    },
    {
      name: 'does not see the length of an embedding, and has no gradient along it',
      run() {
        const loss = open();
        const [rows, dim] = [24, 4];
        const { values, labels } = draw(random('scale'), rows, dim, 6);
        const factor = Float64Array.from({ length: rows }, () => 0.1 + 10 * random('factor').float());
        const evaluate = (batch: EmbeddingBatch) => loss.evaluate(batch, mine.mine(batch));
        const one = evaluate(load({ values, labels }));
        const other = evaluate(
          load({ values: values.map((x, i) => x * factor[Math.floor(i / dim)]!), labels }),
        );
        near(other.value, one.value, 1e-9 * Math.max(1, Math.abs(one.value)), 'value');
        const scale = largest(one.gradient) || 1;
        for (let row = 0; row < rows; row++) {
          let along = 0;
          for (let i = dim * row; i < dim * (row + 1); i++) {
            along += one.gradient[i]! * values[i]!;
            near(
              (other.gradient[i]! * factor[row]!) / scale,
              one.gradient[i]! / scale,
              1e-7,
              `gradient at ${i}`,
            );
          }
          near(along / scale, 0, 1e-9, `gradient along row ${row}`);
        }
      },
    },
    {
      name: 'gives the same bits again, after other batches too',
      run() {
        const first = draw(random('again'), 30, 6, 6);
        const second = draw(random('another'), 44, 3, 4);
        const loss = open();
        const batch = new EmbeddingBatch();
        const evaluate = ({ values, labels }: Embeddings) => {
          batch.load(values, labels);
          return loss.evaluate(batch, mine.mine(batch));
        };
        const expected = evaluate(first);
        for (const each of [second, first, first]) {
          const result = evaluate(each);
          if (each === first) assert.deepEqual(result, expected);
        }
      },
    },
    {
      name: 'is 0 where there is nothing to compare',
      run() {
        const loss = open();
        const cases: [number, number[]][] = [
          [0, []],
          [1, [4]],
          [5, [1, 2, 3, 4, 5]],
        ];
        for (const [rows, labels] of cases) {
          const values = Float64Array.from({ length: rows * 3 }, (_, i) => Math.sin(i));
          for (const { name } of miners.filter((each) => each.name !== 'None')) {
            const batch = load({ values, labels: Int32Array.from(labels) });
            const { value, gradient } = loss.evaluate(batch, openMiner(name).mine(batch));
            assert.equal(value, 0, `value on ${rows} rows, mined by ${name}`);
            assert.ok(
              gradient.every((x) => x === 0),
              `gradient on ${rows} rows, mined by ${name}`,
            );
          }
        }
      },
    },
    {
      name: 'stays finite on degenerate batches, with every miner',
      run() {
        const loss = open();
        const labels = Int32Array.from([0, 0, 0, 1, 1, 2, 2, 2, 3]);
        const one = [0.3, -0.7, 0.2];
        const other = [-0.1, 0.4, 0.9];
        const cases: Record<string, (i: number, label: number) => number[]> = {
          'all equal': () => one,
          'two points': (i) => (i % 2 ? one : other),
          opposite: (i) => one.map((x) => (i % 2 ? x : -x)),
          'classes as points': (_, label) => one.map((x, d) => x + label * other[d]!),
          'a row of zeros': (i) => (i === 4 ? [0, 0, 0] : [i, i * i, 1]),
        };
        for (const [what, row] of Object.entries(cases)) {
          const values = Float64Array.from(Array.from(labels, (label, i) => row(i, label)).flat());
          for (const { name } of miners) {
            const batch = load({ values, labels });
            const { value, gradient } = loss.evaluate(batch, openMiner(name).mine(batch));
            assert.ok(Number.isFinite(value), `value: ${what}, mined by ${name}`);
            assert.ok(gradient.every(Number.isFinite), `gradient: ${what}, mined by ${name}`);
          }
        }
      },
    },
    {
      name: 'is NaN, and says so, where an embedding is',
      run() {
        const loss = open();
        for (const spoilt of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const { values, labels } = draw(random('nan'), 12, 3, 3);
          values[7] = spoilt;
          const batch = load({ values, labels });
          const result = loss.evaluate(batch, mine.mine(batch));
          assert.equal(result.finite, false);
          assert.ok(Number.isNaN(result.value) && result.gradient.every(Number.isNaN));
        }
      },
    },
    {
      name: 'its defaults are parameters that it takes',
      run() {
        spec.create(parseParams(`loss ${spec.name}`, spec.params, params));
      },
    },
  ];
}
