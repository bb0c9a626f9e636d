import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { EngineName } from '../src/core/engine/engine.js';
import { compare, type Row } from './compare.js';
import { type Growth, growth } from './growth.js';
import { lossStages } from './losses.js';
import { profile, STAGES } from './profile.js';
import { reportInBrowser } from './report.js';
import { scale } from './scale.js';
import { tables } from './tables.js';
import { runTask } from './task.js';

const usage = `npm run bench -- [PART...] [options]

Parts (default: all but losses, report, tables and scale)
  compare  every work on every engine beside PyTorch and pytorch-metric-learning
  profile  what share of a pretraining step the engine has
  growth   step time against rows, class size and cells of the space; peak memory
  whole    two epochs of pretraining, all cells embedded and written to Parquet
  losses   TripletMargin and MultiSimilarity stage by stage, without a controller
  steady   the weights of two processes compared; memory over many steps
  scale    work by workers of a NATS server beside processes; 1,000,000 outstanding results; 1,000 simulated workers
  tables   opening and asking an imported benchmark table, beside Parquet; importing --tfrecord
  report   the report's map of all cells in Chromium: first view, pictures a second while panning, size of the file

Options
  --json FILE           write the figures
  --only NAME           works of 'compare' whose name contains NAME; or a part, nothing else
  --no-peer             without PyTorch
  --engines A,B         default tfjs,simd
  --threads 1,2
  --iterations N        default 50
  --peer-iterations N   default: as many
  --tfrecord FILE       a file of NAS-Bench-101 that 'tables' imports
  --steps N             steps of 'whole' (default: all, 13,238) and of 'steady' (default 20,000)
`;

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    only: { type: 'string', default: '' },
    'no-peer': { type: 'boolean', default: false },
    engines: { type: 'string', default: 'tfjs,simd' },
    threads: { type: 'string', default: '1,2' },
    iterations: { type: 'string', default: '50' },
    'peer-iterations': { type: 'string' },
    steps: { type: 'string' },
    tfrecord: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (args.help) {
  console.log(usage);
  process.exit(0);
}
/** `--only` asks for a part, or for a comparison, and nothing else. */
const parts =
  positionals.length > 0
    ? positionals
    : args.only
      ? [args.only === 'scale' ? 'scale' : 'compare']
      : ['compare', 'profile', 'growth', 'whole', 'steady'];
const engines = args.engines.split(',') as EngineName[];
const threads = args.threads.split(',').map(Number);
const iterations = Number(args.iterations);
const root = join(fileURLToPath(import.meta.url), '..', '..', '..');
const say = (line: string) => console.log(line);
const note = (line: string) => console.error(line);

/** What the figures were measured on; stands in every row of the file. */
const machine = `${cpus()[0]?.model}, ${availableParallelism()} cores, node ${process.version}`;
say(`${machine}, ${new Date().toISOString()}, load ${loadavg().map((load) => load.toFixed(1))}`);

/** A line of the file: that of a comparison, or one of the other parts with what it has of the same columns. */
type Line = Pick<Row, 'work' | 'engine' | 'threads' | 'ours_ms' | 'peer_ms' | 'ratio'>;
const lines: Line[] = [];
const alone = (line: Omit<Line, 'peer_ms' | 'ratio'> & Record<string, unknown>) =>
  lines.push({ ...line, peer_ms: null, ratio: null });

const ms = (value: number | null) => (value === null ? '–' : value.toPrecision(3)).padStart(9);

if (parts.includes('compare')) {
  say(`${'work'.padEnd(36)} engine threads   min ms   median      cpu peer min   median      cpu  ratios`);
  const rows = await compare({
    ...{ root, only: args.only, engines, threads, iterations, peer: !args['no-peer'] },
    peerIterations: Number(args['peer-iterations'] ?? iterations),
    onNote: note,
    onRow: (row: Row) =>
      say(
        `${row.work.padEnd(36)} ${row.engine.padEnd(6)} ${row.threads}    ${[row.ours_min_ms, row.ours_ms, row.ours_cpu_ms, row.peer_min_ms, row.peer_ms, row.peer_cpu_ms, row.min_ratio, row.ratio, row.cpu_ratio].map(ms).join('')}`,
      ),
  });
  lines.push(...rows);
}

if (parts.includes('profile')) {
  for (const loss of ['MultiSimilarity', 'TripletMargin']) {
    for (const engine of engines) {
      for (const count of threads) {
        const stages = await profile(engine, loss, { threads: count, iterations });
        const all = STAGES.reduce((sum, name) => sum + stages[name].min, 0);
        const ours = stages.encode.min + stages.step.min;
        const list = STAGES.map((name) => `${name} ${stages[name].min.toFixed(2)}`).join(', ');
        say(`${loss}, ${engine}, ${count} threads: engine ${((100 * ours) / all).toFixed(0)} % (${list} ms)`);
        for (const name of STAGES) {
          alone({
            ...{ work: `profile/${loss}/${name}`, engine, threads: count, ours_ms: stages[name].median },
            ...{ ours_min_ms: stages[name].min, iterations },
          });
        }
      }
    }
  }
}

if (parts.includes('growth')) {
  for (const engine of engines) {
    const onGrowth = ({ what, points, exponent }: Growth) => {
      say(`${engine}, ${what}: time grows with size^${exponent.toFixed(2)}`);
      for (const { size, ms: time, peakMiB } of points) {
        say(
          `  ${String(size).padStart(7)}${ms(time)} ms${peakMiB ? `, peak ${peakMiB.toFixed(0)} MiB` : ''}`,
        );
        alone({
          ...{ work: `growth/${what}/${size}`, engine, threads: 1, ours_ms: time },
          ...{ exponent, peak_mib: peakMiB ?? null },
        });
      }
    };
    await growth(engine, { iterations, onGrowth });
  }
}

if (parts.includes('losses')) {
  for (const name of ['TripletMargin', 'MultiSimilarity']) {
    say(`${name}, one thread: shortest wall time, mean processor time`);
    for (const { stage, ms: shortest, cpuMs } of lossStages(name, iterations)) {
      say(`  ${stage.padEnd(16)}${ms(shortest)} ms${ms(cpuMs)} ms`);
      alone({
        ...{ work: `losses/${name}/${stage}`, engine: 'none', threads: 1, ours_ms: shortest },
        cpu_ms: cpuMs,
      });
    }
  }
}

const WHOLE = 13_238;
const base = { task: 'pretrain', loss: 'MultiSimilarity', batch: 512 } as const;

if (parts.includes('whole')) {
  const steps = Number(args.steps ?? WHOLE);
  for (const engine of engines) {
    const count = Math.max(...threads);
    const pretraining = await runTask({ ...base, engine, threads: count, steps });
    const all = (pretraining.seconds / steps) * WHOLE;
    say(
      `${engine}, ${count} threads: ${steps} steps of pretraining in ${pretraining.seconds.toFixed(1)} s (${pretraining.cpuSeconds.toFixed(1)} s of processor time)${steps < WHOLE ? `, so ${WHOLE} in ${(all / 60).toFixed(1)} min (extrapolated)` : ''}; peak ${pretraining.peakMiB.toFixed(0)} MiB`,
    );
    const embedding = await runTask({ task: 'embed', engine, threads: count, cells: 423_624 });
    say(
      `${engine}, ${count} threads: 423,624 cells embedded in ${embedding.seconds.toFixed(1)} s, written to Parquet after ${embedding.secondsWithFiles.toFixed(1)} s (${embedding.cpuSeconds.toFixed(1)} s of processor time, ${embedding.tableBytes} bytes); peak ${embedding.peakMiB.toFixed(0)} MiB`,
    );
    alone({
      ...{ work: `whole/pretraining/${steps}`, engine, threads: count, ours_ms: pretraining.seconds * 1000 },
      ...{
        step_ms: pretraining.stepMs,
        cpu_ms: pretraining.cpuSeconds * 1000,
        peak_mib: pretraining.peakMiB,
      },
    });
    alone({
      ...{
        work: 'whole/embedding/423624',
        engine,
        threads: count,
        ours_ms: embedding.secondsWithFiles * 1000,
      },
      ...{ cpu_ms: embedding.cpuSeconds * 1000, peak_mib: embedding.peakMiB, bytes: embedding.tableBytes },
    });
  }
}

if (parts.includes('steady')) {
  const steps = Number(args.steps ?? 20_000);
  for (const engine of engines) {
    for (const count of threads) {
      const task = { ...base, engine, threads: count, steps: Math.min(500, steps) };
      const [first, second] = [await runTask(task), await runTask(task)];
      say(
        `${engine}, ${count} threads: weights after ${task.steps} steps in two processes ${first.weights === second.weights ? 'are the same bytes' : 'DIFFER'} (${first.weights.slice(0, 16)})`,
      );
      alone({
        ...{ work: `steady/weights/${task.steps}`, engine, threads: count, ours_ms: first.seconds * 1000 },
        ...{ weights: [first.weights, second.weights] },
      });
    }
    const sampleEvery = Math.max(1, Math.floor(steps / 10));
    const { samples, seconds } = await runTask({
      ...base,
      batch: 64,
      engine,
      threads: 1,
      steps,
      sampleEvery,
    });
    say(`${engine}, memory over ${steps} steps of batch 64 (engine resources, resident MiB):`);
    for (const { step, residentMiB, resources } of samples) {
      say(`  ${String(step).padStart(6)}  ${resources}  ${residentMiB.toFixed(0)}`);
    }
    alone({ work: `steady/memory/${steps}`, engine, threads: 1, ours_ms: seconds * 1000, samples });
  }
}

if (parts.includes('report')) {
  const { mapMs, ...more } = await reportInBrowser();
  const { bytes, firstPaintMs, panFrames, panLongestMs, zoomedFrames, distancesMs } = more;
  say(
    `report of 423,624 cells, ${(bytes / 1e6).toFixed(1)} MB: first paint ${firstPaintMs.toFixed(0)} ms, map ${mapMs.toFixed(0)} ms; panning ${panFrames.toFixed(0)} pictures/s (longest wait ${panLongestMs.toFixed(0)} ms), zoomed in ${zoomedFrames.toFixed(0)}; edit distances to one cell ${(distancesMs / 1000).toFixed(1)} s`,
  );
  alone({ ...{ work: 'report', engine: 'none', threads: 1, ours_ms: mapMs }, ...more });
}

if (parts.includes('tables')) {
  for (const [what, figures] of Object.entries(await tables(args.tfrecord, say))) {
    const { seconds, cpuSeconds, ...more } = figures;
    alone({
      ...{ work: `tables/${what}`, engine: 'none', threads: 1, ours_ms: 1000 * seconds },
      ...{ cpu_ms: 1000 * cpuSeconds, ...more },
    });
  }
}

if (parts.includes('scale')) {
  for (const [what, figures] of Object.entries(await scale(say))) {
    alone({ ...{ work: `scale/${what}`, engine: 'none', threads: 1, ours_ms: 0 }, ...figures });
  }
}

if (args.json) {
  const rows = lines.map((line) => ({ ...line, machine }));
  writeFileSync(args.json, `${JSON.stringify(rows, null, 1)}\n`);
}
