/*
 * A process that trains cells, one after the other, for the process that forked it: see trainer.ts. It ends with its parent.
 */
import { CellTrainer } from '../../engine/tfjs/cellTrainer.js';
import { loadTfjs } from '../../engine/tfjs/load.js';
import { RxnasError } from '../../errors.js';
import { stream } from '../../random/random.js';
import { imageSplits, readIdxImages } from './images.js';
import { networkPlan, parameterCount } from './network.js';
import type { Protocol } from './protocol.js';
import type { Reply, Request } from './trainer.js';

process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole process group; the parent decides what happens.
process.on('SIGINT', () => {});

let trainer: { protocol: Protocol; cells: CellTrainer } | undefined;

async function handle(request: Request): Promise<Reply> {
  if (request.kind === 'start') {
    const { folder, protocol } = request;
    const tf = await loadTfjs({ intraOpThreads: 1 });
    const [training, test] = [readIdxImages(folder, 'train'), readIdxImages(folder, 't10k')];
    const cells = new CellTrainer(tf, imageSplits(training, test, protocol.images, protocol.seed));
    trainer = { protocol, cells };
    return { kind: 'ready' };
  }
  const { protocol, cells } = trainer!;
  const { cell, repeat } = request;
  const plan = networkPlan(cell, protocol.network);
  const result = cells.train(plan, protocol.training, stream(protocol.seed, 'train', cell, repeat));
  return { kind: 'trained', training: { cell, repeat, parameters: parameterCount(plan), ...result } };
}

process.on('message', (request: Request) => {
  handle(request)
    .catch((error: unknown): Reply => {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      const known = error instanceof RxnasError ? { hint: error.hint, exitCode: error.exitCode } : undefined;
      return { kind: 'failed', message: known ? message : (stack ?? message), known };
    })
    .then((reply) => process.send?.(reply));
});
