/** `npm test`: set-up, then vitest with the arguments given (files, -t name, ...). */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reporting } from './setup/say.mjs';
import { setup } from './setup.mjs';

await reporting(() => setup());
const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
// The terminal interrupts both; vitest ends its workers and decides the exit code.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => vitest.kill('SIGTERM'));
vitest.on('exit', (code, signal) => process.exit(signal ? 130 : code));
