/** A spec inside a Markdown page. */
export interface SpecBlock {
  text: string;
  /** Lines and columns of the page above and left of it. */
  line: number;
  column: number;
}

/**
 * The blocks of a Markdown page that hold a spec: fenced as `yaml` or `json`, with a `pipeline`, `extends` or `sweep` at the top. One that is fenced as
 * `yaml fragment` is left alone: a part of a spec, or one that belongs into another folder.
 */
export function specBlocks(markdown: string): SpecBlock[] {
  const blocks: SpecBlock[] = [];
  const lines = markdown.split('\n');
  let open: { fence: string; indent: number; from: number } | undefined;
  for (const [i, line] of lines.entries()) {
    const [, indent = '', fence = '', language = '', fragment] =
      /^( *)(`{3,}|~{3,}) *([\w-]*)( fragment\b)?/.exec(line) ?? [];
    if (!open) {
      if (fence && !fragment && /^(ya?ml|json)$/.test(language))
        open = { fence, indent: indent.length, from: i + 1 };
      else if (fence) open = { fence, indent: indent.length, from: -1 };
      continue;
    }
    if (!fence.startsWith(open.fence) || language) continue;
    const { from, indent: column } = open;
    open = undefined;
    if (from < 0) continue;
    const text = lines
      .slice(from, i)
      .map((each) => each.slice(Math.min(column, each.length - each.trimStart().length)))
      .join('\n');
    if (/^(\{\s*)?"?(pipeline|extends|sweep)"?:/m.test(text)) blocks.push({ text, line: from, column });
  }
  return blocks;
}
