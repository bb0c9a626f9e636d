/**
 * Prints how well the embedded benchmark tells cells apart, as datasets/README.md has it.
 *
 *     node datasets/statistics.mjs [NASBENCH101.parquet]
 *
 * With a table of NAS-Bench-101 (as `rxnas` opens it: nasbench101:FILE) also its agreement with CIFAR-10.
 */
import { embeddedBenchmark, openBenchmark } from '../dist/core/benchmark/index.js';
import { agreement, benchmarkStatistics } from '../dist/core/benchmark/statistics.js';

const percent = (value) => `${(100 * value).toFixed(2)} %`;
const fixed = (value) => value.toFixed(3);
const line = (...cells) => console.log(`| ${cells.join(' | ')} |`);

const benchmark = await openBenchmark(embeddedBenchmark);
const { cells, repeats, test, all, topHalf, ...found } = await benchmarkStatistics(benchmark);
const { correlation, largest } = found.byParameters;

line('', 'all cells', 'better half');
line('---', '---', '---');
line('spread: standard deviation between cells', percent(all.spread), percent(topHalf.spread));
line('noise: standard deviation of one training', percent(all.noise), percent(topHalf.noise));
line('spread / noise', all.ratio.toFixed(2), topHalf.ratio.toFixed(2));
console.log();
line('figure', 'value');
line('---', '---');
line('cells, repeats', `${cells}, ${repeats}`);
line('test accuracy: best, median, worst', [test.best, test.median, test.worst].map(percent).join(', '));
line('rank correlation of two repeats (test)', fixed(found.repeatCorrelation));
line('rank correlation of validation and test', fixed(found.validationCorrelation));
line('rank correlation of parameter count and test', fixed(correlation));
line(
  'the cell with the most parameters',
  `${largest.parameters} parameters, test ${percent(largest.test)}, rank ${largest.rank}`,
);

const [table] = process.argv.slice(2);
if (table) {
  const cifar = await agreement(benchmark, await openBenchmark(`nasbench101:${table}`));
  line('rank correlation with test accuracy on CIFAR-10', fixed(cifar.correlation));
  line('rank correlation of parameter count with CIFAR-10', fixed(cifar.byParameters));
}
