import { readFileSync } from 'node:fs';
import { usageError } from '../../core/errors.js';
import { parseText } from '../../core/spec/document.js';
import { loadFile, loadText, specFile } from '../../core/spec/load.js';
import { specBlocks } from '../../core/spec/markdown.js';
import { type Problem, Problems } from '../../core/spec/problems.js';
import { checkLoaded, type ReadOptions } from './read.js';

export interface LintResult {
  /** By file, line and column. */
  problems: Problem[];
  /** Specs that were checked: those of a Markdown page may be several, or none. */
  specs: number;
}

/** Everything that is wrong with a spec, or with the specs in a Markdown page. Runs nothing but the modules that they `use`. */
export async function lintFile(file: string, options: ReadOptions = {}): Promise<LintResult> {
  const problems = new Problems();
  if (!/\.(md|markdown)$/i.test(file)) {
    await checkLoaded(loadFile(specFile(file), problems), problems, options);
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
    if (node) await checkLoaded(loadText(node, file, problems), problems, options);
  }
  return { problems: problems.list(), specs: blocks.length };
}
