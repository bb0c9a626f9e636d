import { exitCode } from '../../../core/errors.js';
import { listRuns, runBytes, runState } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { table, thousands } from '../../output.js';
import { rootOption } from '../../shared.js';
import { compareCommand } from './compare.js';
import { ageOf, figuresOf, sizeOf } from './figures.js';
import { gcCommand } from './gc.js';
import { noteCommand } from './note.js';
import { packCommand } from './pack.js';
import { rebuildCommand } from './rebuild.js';
import { rmCommand } from './rm.js';
import { showCommand } from './show.js';
import { tagCommand } from './tag.js';
import { unpackCommand } from './unpack.js';

function entryOf({ dir, manifest, broken }: ReturnType<typeof listRuns>[number]) {
  const name = dir.slice(Math.max(dir.lastIndexOf('/'), dir.lastIndexOf('\\')) + 1);
  if (!manifest) return { name, dir, status: 'broken' as const, broken };
  const { kind, created, tags, note } = manifest;
  return {
    name,
    dir,
    status: runState(dir, manifest),
    kind,
    created,
    ...figuresOf(dir, manifest),
    bytes: runBytes(dir),
    tags,
    ...(note !== undefined && { note }),
  };
}

/** One folder that cannot be read is marked, and does not stop the list. */
function safely(entry: ReturnType<typeof listRuns>[number]): ReturnType<typeof entryOf> {
  try {
    return entryOf(entry);
  } catch (error) {
    return entryOf({ dir: entry.dir, broken: (error as Error).message });
  }
}

export const runsCommand: Command = {
  usage: 'runs',
  describe: 'List the runs; show, compare, describe, pack and remove them',
  options: {
    ...rootOption,
    tag: { type: 'string', describe: 'only runs with this tag' },
  },
  examples: [
    ['rxnas runs', 'newest first; dead ones were killed and can be resumed'],
    ['rxnas runs --tag paper --json', 'for programs'],
    ['rxnas runs compare latest triplet', 'settings, figures and curves side by side'],
  ],
  subcommands: [
    showCommand,
    compareCommand,
    tagCommand,
    noteCommand,
    rebuildCommand,
    packCommand,
    unpackCommand,
    rmCommand,
    gcCommand,
  ],
  async run(args, output) {
    const entries = listRuns(args.root)
      .map(safely)
      .filter((entry) => args.tag === undefined || ('tags' in entry && entry.tags.includes(args.tag)));
    output.result(entries, () => {
      if (entries.length === 0) return `no runs in ${args.root}`;
      const rows = entries.map((entry) =>
        'kind' in entry
          ? [
              entry.name,
              entry.status,
              ageOf(entry.created),
              entry.kind,
              entry.what,
              entry.best?.toFixed(4) ?? '–',
              thousands(entry.done),
              sizeOf(entry.bytes),
              entry.tags.join(' '),
            ]
          : [entry.name, 'broken', '–', '–', '–', '–', '–', '–', ''],
      );
      const broken = entries.flatMap((entry) =>
        'kind' in entry ? [] : [`${entry.name} is broken: ${entry.broken}`],
      );
      const header = ['run', 'status', 'age', 'kind', 'what', 'best', 'steps', 'size', 'tags'];
      return [...table(header, rows), ...broken];
    });
    return exitCode.ok;
  },
};
