import { readFileSync } from 'node:fs';
import { usageError } from '../../core/errors.js';
import { parseText } from '../../core/spec/document.js';
import { type LoadedSpec, loadFile, loadText, specFile } from '../../core/spec/load.js';
import { specBlocks } from '../../core/spec/markdown.js';
import { type Problem, Problems } from '../../core/spec/problems.js';
import { isSweepTree } from '../../core/spec/sweepTree.js';
import { checkLoaded, type ReadOptions } from './read.js';
import { checkSweep } from './sweep.js';

export interface LintResult {
  /** By file, line and column. */
  problems: Problem[];
  /** Specs that were checked: those of a Markdown page may be several, or none. */
  specs: number;
}

/** Everything that is wrong with a spec or a sweep, or with those in a Markdown page. Runs nothing but the modules that they `use`. */
export async function lintFile(file: string, options: ReadOptions = {}): Promise<LintResult> {
  const problems = new Problems();
  if (!/\.(md|markdown)$/i.test(file)) {
    await checkFile(loadFile(specFile(file), problems), problems, options);
    return { problems: problems.list(), specs: 1 };
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code;
    throw usageError(`cannot read ${file}: ${reason}`, 'give a spec or a Markdown page', { cause: error });
  }
  const blocks = specBlocks(text);
  for (const { text, ...above } of blocks) {
    const node = parseText(text, file, problems, above);
    if (node) await checkFile(loadText(node, file, problems), problems, options);
  }
  return { problems: problems.list(), specs: blocks.length };
}

/** Checks a spec or a sweep, whichever was loaded. */
export const checkFile = (
  loaded: LoadedSpec | undefined,
  problems: Problems,
  options: ReadOptions,
): Promise<unknown> =>
  loaded && isSweepTree(loaded.root)
    ? checkSweep(loaded, problems, options)
    : checkLoaded(loaded, problems, options);
