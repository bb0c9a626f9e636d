/** Data goes to stdout, everything else to stderr; `--quiet` silences what is not data. */
export interface Output {
  readonly quiet: boolean;
  readonly json: boolean;
  /** The result: one JSON document on one line with `--json`, else the lines of `text`. */
  result(data: unknown, text: () => string | string[]): void;
  /** A remark for the person who watches. */
  note(line: string): void;
}

export interface OutputFlags {
  json?: boolean | undefined;
  quiet?: boolean | undefined;
}

export function createOutput({ json = false, quiet = false }: OutputFlags): Output {
  return {
    quiet,
    json,
    result(data, text) {
      const lines = json ? [JSON.stringify(data, withoutNaN)] : [text()].flat().map(printable);
      process.stdout.write(`${lines.join('\n')}\n`);
    },
    note(line) {
      if (!quiet) process.stderr.write(`${printable(line)}\n`);
    },
  };
}

/** What stands in a file of somebody else must not steer the terminal: control characters but tab and line feed become �. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');

/** Writes lines to stdout, no faster than they are taken. */
export async function writeLines(lines: Iterable<string>): Promise<void> {
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < 65_536) continue;
    await write(text);
    text = '';
  }
  if (text) await write(text);
}

const write = (text: string) =>
  new Promise<void>((resolve) => {
    if (process.stdout.write(printable(text))) resolve();
    else process.stdout.once('drain', resolve);
  });

/** A table of cells as aligned text columns; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const right = header.map((_, column) =>
    rows.every((row) => typeof row[column] === 'number' || /^[\d.,%±+– -]+$/.test(String(row[column]))),
  );
  return cells.map((row) =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

export const percent = (fraction: number, digits = 2) => `${(100 * fraction).toFixed(digits)} %`;
export const thousands = (n: number) => n.toLocaleString('en-US');

/** JSON has no NaN and no infinities: null stands for them. */
const withoutNaN = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? null : value;
