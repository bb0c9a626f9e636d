/** `npm run bench`: set-up, then bench/ against dist/, with the arguments given. Worker threads and timings want compiled code. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reporting } from './setup/say.mjs';
import { setup } from './setup.mjs';

await reporting(() => setup());
const root = fileURLToPath(new URL('..', import.meta.url));
const { default: ts } = await import('typescript');
const out = join(root, '.cache', 'bench');
mkdirSync(out, { recursive: true });
for (const file of readdirSync(join(root, 'bench')).filter((name) => name.endsWith('.ts'))) {
  const { outputText } = ts.transpileModule(readFileSync(join(root, 'bench', file), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(
    join(out, file.replace(/ts$/, 'js')),
    outputText.replaceAll("from '../src/", "from '../../dist/"),
  );
}
const bench = spawn(process.execPath, [join(out, 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
process.on('SIGINT', () => {});
process.on('SIGTERM', () => bench.kill('SIGTERM'));
bench.on('exit', (code, signal) => process.exit(signal ? 130 : code));
