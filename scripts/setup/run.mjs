import { spawn } from 'node:child_process';

/**
 * Run a program to its end, without a shell and without standard input.
 *
 * @param {string} command program, looked up in PATH
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {number} [options.limit] milliseconds after which it is killed
 * @param {() => boolean} [options.stalled] asked once a second; true kills it
 * @param {boolean} [options.show] hand its output to the terminal (stderr) instead of collecting it
 * @returns {Promise<{ok: boolean, stdout: string, why: string}>} `why`: the line of its output that tells best why it
 *   failed, or the signal or time limit that ended it; empty where it went well
 */
export function run(command, args, { cwd, env = process.env, limit, stalled, show = false } = {}) {
  return new Promise((resolve) => {
    const output = { stdout: '', stderr: '' };
    let ended;
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', show ? process.stderr : 'pipe', show ? process.stderr : 'pipe'],
    });
    const stop = (reason) => {
      ended ??= reason;
      child.kill('SIGKILL');
    };
    const timer = limit && setTimeout(() => stop(`stopped after ${Math.round(limit / 1000)} s`), limit);
    const watch = stalled && setInterval(() => stalled() && stop('no answer'), 1000);
    const finish = (ok, why) => {
      clearTimeout(timer);
      clearInterval(watch);
      resolve({ ok, stdout: output.stdout, why });
    };
    for (const name of ['stdout', 'stderr']) {
      child[name]?.setEncoding('utf8').on('data', (text) => {
        output[name] += text;
      });
    }
    child.on('error', (error) =>
      finish(false, error.code === 'ENOENT' ? `${command} not found` : error.message),
    );
    child.on('close', (code, signal) => {
      if (code === 0) return finish(true, '');
      finish(
        false,
        ended ?? tellingLine(output.stderr + output.stdout) ?? `${command} ended with ${signal ?? code}`,
      );
    });
  });
}

/** The first line that names an error, else the last line that says anything. */
function tellingLine(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const line = lines.find((each) => /^\w*error:/i.test(each)) ?? lines.find((each) => /\berror:/i.test(each));
  return (line ?? lines.at(-1))?.replace(/^error:\s*/i, '').slice(0, 200);
}
