import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { python, pythonHas } from '../support/python.js';
import { smallPretraining } from '../support/smallPretraining.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'docs', 'guides');
const cwd = mkdtempSync(join(tmpdir(), 'rxnas-guides-'));
const run = promisify(execFile);

beforeAll(() =>
  smallPretraining(join(cwd, 'runs', 'ms'), { space: 'nasbench101', steps: 30, batch: 128, embed: 0 }),
);
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

interface Guide {
  commands: string[];
  statements: string[];
  /** The blocks of Python, one program. */
  program: string;
  /** Packages that it imports. */
  imports: string[];
}

function read(name: string): Guide {
  const text = readFileSync(join(folder, name), 'utf8');
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code!);
  const program = blocks('python').join('\n');
  return {
    commands: blocks('sh').flatMap((block) =>
      [...block.matchAll(/^npx rxnas (.*)$/gm)].map(([, args]) => args!),
    ),
    statements: blocks('sql')
      .flatMap((block) => block.split(';'))
      .filter((statement) => statement.trim()),
    program,
    imports: [...program.matchAll(/^(?:import|from) (\w+)/gm)].map(([, name]) => name!),
  };
}

/** Guides share their runs: a command that another one has given already finds it done. */
async function give(command: string): Promise<void> {
  await run(process.execPath, [join(root, 'bin/rxnas.mjs'), ...command.split(' ')], { cwd });
}

/** What a guide leaves behind, where it says so. */
const leaves: Record<string, () => void> = {
  'embedding-atlas-and-projector.md': () => {
    expect(readdirSync(join(cwd, 'board')).sort()).toEqual([
      'metadata.tsv',
      'projector_config.pbtxt',
      'vectors.tsv',
    ]);
    const lines = (file: string) =>
      readFileSync(join(cwd, 'board', file), 'utf8')
        .trim()
        .split('\n');
    const [header, ...metadata] = lines('metadata.tsv');
    expect(header!.split('\t')).toEqual(
      'text id vertices edges depth hash validation test umap_x umap_y'.split(' '),
    );
    const vectors = lines('vectors.tsv');
    expect(vectors).toHaveLength(metadata.length);
    expect(vectors[0]!.split('\t')).toHaveLength(16);
  },
};

describe.each(readdirSync(folder).filter((name) => name.endsWith('.md')))('the guide %s', (name) => {
  const { commands, statements, program, imports } = read(name);

  it('gives commands that run', async () => {
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) await give(command);
    leaves[name]?.();
  }, 120_000);

  it.runIf(statements.length > 0)('has statements that give rows', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      for (const statement of statements) {
        const here = statement.replaceAll("'runs/", `'${cwd}/runs/`);
        expect((await connection.runAndReadAll(here)).getRows().length, statement).toBeGreaterThan(0);
      }
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });

  it.skipIf(!pythonHas(...imports))(
    `has Python that runs (${imports.join(', ')})`,
    async () => {
      const { stdout } = await run(python!, ['-W', 'ignore', '-c', program], { cwd });
      expect(stdout.trim()).not.toBe('');
      expect(stdout).not.toMatch(/\bnan\b/i);
    },
    240_000,
  );
});
