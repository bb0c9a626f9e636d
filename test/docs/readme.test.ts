import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code!);

it('the pipeline in the README runs as it stands', () => {
  const [code] = blocks('ts');
  // Inside the package, so that it imports itself by its name as users do.
  const folder = join(root, '.cache', 'test-readme');
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'readme.mjs');
  writeFileSync(file, code!.replace('take(100)', 'take(5)'));
  const lines = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 50_000 })
    .trim()
    .split('\n');
  expect(lines).toHaveLength(5);
  expect(lines.map((line) => Number(line.split(' ')[0]))).toEqual([0, 1, 2, 3, 4]);
});

it('every command in the README exists, with its flags', () => {
  const commands = blocks('sh').flatMap((block) =>
    [...block.matchAll(/^npx rxnas (.*?)(?:\s+#.*)?$/gm)].map(([, args]) => args!),
  );
  expect(commands.length).toBeGreaterThan(8);
  const helps = new Map<string, string>();
  for (const command of commands) {
    const words = command.split(/\s+/).filter((word) => !word.startsWith('>') && word !== '~/.bashrc');
    const named = words
      .filter((word, i) => !word.startsWith('-') && !words[i - 1]?.startsWith('--'))
      .slice(0, 2);
    // Positionals change nothing in the help; only subcommands do.
    const [name = '', sub = ''] = named;
    const reached = /^[a-z]+$/.test(sub) ? `${name} ${sub}` : name;
    if (!helps.has(reached)) {
      const args = [join(root, 'bin/rxnas.mjs'), ...reached.split(' '), '--help'];
      helps.set(reached, execFileSync(process.execPath, args, { encoding: 'utf8' }));
    }
    const help = helps.get(reached)!;
    for (const flag of words.filter((word) => word.startsWith('--'))) expect(help, command).toContain(flag);
  }
});
