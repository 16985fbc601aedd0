import Table from "cli-table3";

/**
 * Draws a table without lines between its rows.
 *
 * @param head Titles of the columns.
 * @param rows Cells, as many a row as there are titles.
 * @param right Columns whose cells stand on the right, counted from 0.
 * @returns The table, without a line end.
 */
export function plainTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  right: readonly number[] = [],
): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => right.includes(column) ? "right" : "left"),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
