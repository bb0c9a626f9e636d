import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const checksumFile = 'checksums.json';

/**
 * The folder that keeps what was fetched and built, shared by all clones of a user: RXNAS_CACHE, else the cache folder of the
 * platform, else (a user without a writable home) .cache in the clone. Created here.
 */
export function cacheFolder(root, env = process.env) {
  if (env.RXNAS_CACHE) {
    mkdirSync(env.RXNAS_CACHE, { recursive: true });
    return env.RXNAS_CACHE;
  }
  const inClone = join(root, '.cache');
  for (const folder of [join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rxnas'), inClone]) {
    try {
      mkdirSync(folder, { recursive: true });
      rmSync(temporaryFolder(folder), { recursive: true });
      return folder;
    } catch (error) {
      if (folder === inClone) throw error;
    }
  }
}

/**
 * Make the entry `name` of the cache: `fill(folder)` writes it into a temporary folder, which gets its checksums and its name only
 * when it is whole. What an interrupted process left behind is removed.
 */
export async function addEntry(cache, name, fill) {
  removeLeftovers(cache);
  const temporary = temporaryFolder(cache);
  try {
    await fill(temporary);
    writeFileSync(join(temporary, checksumFile), JSON.stringify(checksums(temporary), null, 1));
    const entry = join(cache, name);
    rmSync(entry, { recursive: true, force: true });
    renameSync(temporary, entry);
    return entry;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The folder of the entry `name`, or undefined where it is missing or a file of it changed (then it is removed). */
export function findEntry(cache, name) {
  const entry = join(cache, name);
  if (!existsSync(entry)) return undefined;
  try {
    const wanted = readFileSync(join(entry, checksumFile), 'utf8');
    if (wanted === JSON.stringify(checksums(entry), null, 1)) return entry;
  } catch {
    // unreadable: as good as changed
  }
  rmSync(entry, { recursive: true, force: true });
  return undefined;
}

/** Put every file under `from` under `to`, as a hard link where the file system can, else as a copy. */
export function linkTree(from, to) {
  mkdirSync(to, { recursive: true });
  for (const each of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, each.name), join(to, each.name)];
    if (each.isDirectory()) linkTree(source, target);
    else if (each.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

function linkOrCopy(source, target) {
  try {
    linkSync(source, target);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS', 'EACCES'].includes(error.code)) throw error;
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
  }
}

/** SHA-256 of every file under `folder` (links are followed by name only), by path, sorted. */
function checksums(folder, prefix = '') {
  const found = {};
  for (const each of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = prefix + each.name;
    if (each.isDirectory()) Object.assign(found, checksums(join(folder, each.name), `${path}/`));
    else if (each.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(folder, each.name))}`;
    else if (path !== checksumFile) found[path] = sha256(join(folder, each.name));
  }
  return found;
}

function sha256(file) {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(4 << 20);
  const handle = openSync(file);
  try {
    for (let n = readSync(handle, buffer); n > 0; n = readSync(handle, buffer))
      hash.update(buffer.subarray(0, n));
  } finally {
    closeSync(handle);
  }
  return hash.digest('hex');
}

const temporaryFolder = (cache) => mkdtempSync(join(cache, `.tmp-${process.pid}-`));

function removeLeftovers(cache) {
  for (const name of readdirSync(cache)) {
    const pid = /^\.tmp-(\d+)-/.exec(name)?.[1];
    if (pid && !alive(Number(pid))) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
