import { availableParallelism } from 'node:os';
import { exitCode } from '../../core/errors.js';
import { runWorker } from '../../jobs/worker.js';
import { type Command, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { natsOption } from '../shared.js';

export const workerCommand: Command = {
  usage: 'worker',
  describe: 'Take trainings and searches from a NATS server, for runs with --on nats://…',
  options: {
    ...natsOption,
    slots: { type: 'number', describe: 'units of work at once, each in a process; default: one a core' },
    lease: {
      type: 'number',
      describe:
        'seconds after which a worker that says nothing loses its work, for all workers; default: 30, or what is set',
    },
    grace: {
      type: 'number',
      default: 60,
      describe: 'seconds that work under way has to end after SIGTERM, before it is given back',
    },
  },
  examples: [
    ['rxnas worker --nats nats://host:4222', 'one unit of work a core, until Ctrl-C or SIGTERM'],
    ['rxnas worker --nats tls://host:4222 --slots 2 --grace 300', 'two at once, five minutes to end in'],
  ],
  stopsSafely: true,
  async run({ nats, slots = availableParallelism(), lease, grace }, output) {
    const counts = await runWorker({
      ...(nats && { url: nats }),
      slots: wholeNumber('slots', slots, 1, 1024),
      ...(lease !== undefined && { lease: 1000 * wholeNumber('lease', lease, 1, 3600) }),
      grace: 1000 * wholeNumber('grace', grace, 0, 86_400),
      stop: interrupted$,
      onNote: output.note,
    });
    output.result(
      counts,
      () =>
        `left: ${counts.done} done, ${counts.failed} failed, ${counts.repeated} done before, ${counts.refused} messages refused`,
    );
    return exitCode.ok;
  },
};
