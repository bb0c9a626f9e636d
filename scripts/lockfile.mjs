/**
 * Complete package-lock.json with the packages of other platforms that npm left out. npm leaves out an optional package that the
 * registry at hand does not serve (a mirror that keeps its own platform's only), and `npm ci` then refuses the lockfile everywhere.
 * To be run after adding or updating a package; a test fails where it was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isMain, say } from './setup/say.mjs';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];
const libraries = { gnu: 'glibc', musl: 'musl' };

/** The entries that `packages` of a lockfile lacks, by path: exact optional dependencies that are named nowhere. */
export function missingEntries(packages) {
  const missing = {};
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    if (path === '') continue;
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const found = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((place) => packages[place]);
      if (!found && /^\d/.test(version)) missing[`node_modules/${name}`] = platformEntry(name, version, dev);
    }
  }
  return missing;
}

/** Platform packages are named for their platform, which keeps npm from fetching them on another. */
function platformEntry(name, version, dev) {
  const words = name.replace(/^.*\//, '').split(/-/);
  const os = words.find((word) => systems.includes(word));
  const cpu = words.find((word) => processors.includes(word));
  const libc = os === 'linux' && libraries[words.at(-1)];
  if (!os) throw new Error(`package-lock.json lacks ${name}, whose name does not tell its platform`);
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}

if (isMain(import.meta.url)) {
  const file = new URL('../package-lock.json', import.meta.url);
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingEntries(lock.packages);
  const sorted = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) =>
    a.localeCompare(b, 'en'),
  );
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
  say(`package-lock.json: ${Object.keys(missing).length} packages of other platforms added`);
}
