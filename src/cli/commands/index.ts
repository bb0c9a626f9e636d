import type { Command } from '../command.js';
import { benchmarkCommand } from './benchmark.js';
import { createCommand } from './create.js';
import { describeCommand } from './describe.js';
import { doctorCommand } from './doctor.js';
import { embedCommand } from './embed.js';
import { evaluateEmbeddingCommand } from './evaluateEmbedding.js';
import { exportCommand } from './export.js';
import { graphCommand } from './graph.js';
import { lintCommand } from './lint.js';
import { listCommand } from './list.js';
import { neighboursCommand } from './neighbours.js';
import { plotCommand } from './plot.js';
import { pretrainCommand } from './pretrain.js';
import { replayCommand } from './replay.js';
import { reportCommand } from './report.js';
import { resumeCommand } from './resume.js';
import { runCommand } from './run.js';
import { runsCommand } from './runs/index.js';
import { schemaCommand } from './schema.js';
import { searchCommand } from './search.js';
import { spaceCommand } from './space.js';
import { sqlCommand } from './sql.js';
import { startCommand } from './start.js';
import { sweepCommand } from './sweep.js';
import { tailCommand } from './tail.js';
import { testCommand } from './test.js';
import { watchCommand } from './watch.js';
import { workerCommand } from './worker.js';
import { workersCommand } from './workers.js';

/** All commands, in the order of `rxnas --help`. */
export const commands: readonly Command[] = [
  startCommand,
  doctorCommand,
  spaceCommand,
  pretrainCommand,
  searchCommand,
  sweepCommand,
  runCommand,
  lintCommand,
  testCommand,
  graphCommand,
  createCommand,
  resumeCommand,
  replayCommand,
  tailCommand,
  watchCommand,
  runsCommand,
  workerCommand,
  workersCommand,
  benchmarkCommand,
  listCommand,
  describeCommand,
  schemaCommand,
  exportCommand,
  embedCommand,
  neighboursCommand,
  evaluateEmbeddingCommand,
  reportCommand,
  plotCommand,
  sqlCommand,
];
