/** One column of a table in plain text. */
export interface Column {
  /** Its title. */
  readonly title: string;
  /** Where its cells stand. */
  readonly align: "left" | "right";
}

/**
 * Sets cells below their titles, two spaces apart.
 *
 * @param columns Titles and sides.
 * @param rows Cells, as many a row as there are columns.
 * @param indent Spaces before every line.
 * @returns One line for the titles and one a row, joined by line ends.
 */
export function formatColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  indent: number = 0,
): string {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  const pad = (cell: string, i: number): string =>
    columns[i].align === "left" ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
  return lines.map((cells) => " ".repeat(indent) + cells.map(pad).join("  ").trimEnd()).join("\n");
}

/**
 * Writes a duration with three digits that count.
 *
 * @param milliseconds The duration.
 * @returns Such as `41.2 ms` or `873 us`.
 */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds >= 9_995) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds >= 99.95) return `${milliseconds.toFixed(0)} ms`;
  if (milliseconds >= 9.995) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds >= 0.9995) return `${milliseconds.toFixed(2)} ms`;
  return `${(1000 * milliseconds).toFixed(milliseconds >= 0.09995 ? 0 : 1)} us`;
}

/**
 * Writes the spread of samples, in the unit of their median.
 *
 * @param low 10th percentile, in milliseconds.
 * @param high 90th percentile, in milliseconds.
 * @returns Such as `40.8-43.0`.
 */
export function formatSpread(low: number, high: number): string {
  const isMicro = high < 0.9995;
  const digits = (value: number): string => {
    const scaled = isMicro ? 1000 * value : value;
    return scaled.toFixed(scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2);
  };
  return `${digits(low)}-${digits(high)} ${isMicro ? "us" : "ms"}`;
}

/**
 * Writes a rate or a factor with few digits.
 *
 * @param value Such as GFLOP/s.
 * @returns Whole from 100 on, one digit after the point below, two below 1.
 */
export function formatRate(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 0.95 ? 1 : 2);
}
