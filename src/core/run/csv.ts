/** A cell of a CSV file: every number in the shortest form that reads back equal, texts quoted where they have to be. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return Object.is(value, -0) ? '-0.0' : String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A row as a line of CSV, and the header that belongs to it; a list has a column for each item (`embedding_0`, …). */
export function csvCells(row: Readonly<Record<string, unknown>>): { header: string; line: string } {
  const cells = Object.entries(row).flatMap(([name, value]): [string, unknown][] =>
    ArrayBuffer.isView(value)
      ? Array.from(value as Float32Array, (item, i) => [`${name}_${i}`, item])
      : [[name, value]],
  );
  return {
    header: cells.map(([name]) => csvCell(name)).join(','),
    line: cells.map(([, value]) => csvCell(value)).join(','),
  };
}
