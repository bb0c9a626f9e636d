import { exportSql, runSql, sqlTables } from '../../analytics/sql.js';
import { exitCode } from '../../core/errors.js';
import type { Command } from '../command.js';
import { type Output, table, thousands } from '../output.js';
import { rootOption } from '../shared.js';

const SHOWN = 100;

export const sqlCommand: Command = {
  usage: 'sql [statement]',
  describe: 'Query all runs as tables, by DuckDB',
  positionals: { statement: { type: 'string', describe: 'one SQL statement; without it: the tables' } },
  options: {
    ...rootOption,
    out: { type: 'string', describe: 'write the rows to this .parquet, .csv or .json file' },
  },
  examples: [
    ['rxnas sql "select name, loss, status from runs"', 'what there is'],
    [
      'rxnas sql "select run, max(test) from queries group by run"',
      'the best test accuracy that each search saw',
    ],
    ['rxnas sql "from metrics where step % 100 = 0" --out curve.csv', 'every hundredth step, for a plot'],
  ],
  async run({ statement, root, out }, output) {
    if (statement === undefined) return listTables(root, output);
    if (out !== undefined) {
      const rows = await exportSql(statement, out, { root });
      output.result({ file: out, rows }, () => `${thousands(rows)} rows in ${out}`);
      return exitCode.ok;
    }
    const { columns, rows } = await runSql(statement, { root });
    output.result(
      rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i]!, value]))),
      () => [
        ...table(
          columns,
          rows.slice(0, SHOWN).map((row) => row.map(shown)),
        ),
        ...(rows.length > SHOWN
          ? [`… ${thousands(rows.length - SHOWN)} more rows (--json or --out FILE for all)`]
          : []),
      ],
    );
    return exitCode.ok;
  },
};

async function listTables(root: string, output: Output) {
  const tables: { name: string; summary: string; columns: { name: string; type: string }[] }[] = [];
  for (const [name, summary] of Object.entries(sqlTables)) {
    const { rows } = await runSql(`describe ${name}`, { root });
    tables.push({
      name,
      summary,
      columns: rows.map(([column, type]) => ({ name: String(column), type: String(type) })),
    });
  }
  output.result(tables, () =>
    tables.flatMap(({ name, summary, columns }) => [
      `${name}: ${summary}`,
      ...table(
        ['', '', ''],
        columns.map((column) => ['', column.name, column.type]),
      ).slice(1),
    ]),
  );
  return exitCode.ok;
}

/** A value for a terminal's table. */
function shown(value: unknown): string | number {
  if (value === null) return '';
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(6));
  if (typeof value !== 'object') return String(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
