/* Adds 200 trainings to a log that others write at the same time. */
import { TrainingLog } from '../../../../src/core/benchmark/live/trainingLog.js';

const [file = '', which = ''] = process.argv.slice(2);
const log = TrainingLog.open(file, 'p');
for (let i = 0; i < 200; i++) {
  const cell = 1000 * Number(which) + i;
  log.add({ cell, repeat: 0, validation: 0.5, test: 0.5, parameters: 1, seconds: 1 });
}
log.close();
