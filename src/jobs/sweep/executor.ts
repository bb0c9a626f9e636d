import type { Executor } from '../../core/work/executor.js';
import { ProcessExecutor } from '../../core/work/processExecutor.js';
import { besideModule } from '../../core/workers.js';
import type { SweepUnit, UnitResult } from './unit.js';

/** Tells worker processes of this machine the sweep's folder. */
export const folderVariable = 'RXNAS_SWEEP_FOLDER';

/** Processes of this machine, which keep the runs of pretrainings in `folder`. */
export const sweepProcesses = (slots: number, folder: string): Executor<SweepUnit, UnitResult> =>
  new ProcessExecutor<SweepUnit, UnitResult>({
    script: besideModule(import.meta.url, './unitProcess.js'),
    slots,
    attempts: 2,
    describe: ({ name }) => name,
    env: { [folderVariable]: folder },
  });
