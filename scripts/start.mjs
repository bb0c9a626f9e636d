/** `npm start`: set-up, then the main job (`rxnas start`) in this same process, so that Ctrl-C reaches it and nothing in between. */
import { fileURLToPath } from 'node:url';
import { reporting } from './setup/say.mjs';
import { setup } from './setup.mjs';

await reporting(() => setup());
process.argv.splice(1, 1, fileURLToPath(new URL('../bin/rxnas.mjs', import.meta.url)), 'start');
await import('../bin/rxnas.mjs');
