import Table from "cli-table3";
import type { Row, SeriesCliff } from "./aggregate.ts";
import { showValue } from "./charts/chart_data.ts";
import type { Experiment } from "./define.ts";
import { cliffTable, showBudgetOf, showInterval } from "./format_result.ts";

/** Without color, so that a table can be pasted into a text. */
const STYLE = { head: [], border: [], compact: true };

/**
 * Names the columns of the table of results.
 *
 * @param experiment The experiment.
 * @returns One column an axis, then accuracy, difference from float32 or the control, and remarks.
 */
export function resultHeader(experiment: Experiment): string[] {
  return [
    ...Object.values(experiment.axes).map(({ label }) => label),
    "test accuracy (%)",
    `minus ${experiment.control ? "control" : "float32"} (points)`,
    "remarks",
  ];
}

/**
 * Writes one row of the table of results.
 *
 * @param experiment The experiment.
 * @param row A point of the grid or the baseline.
 * @returns One cell a column of {@link resultHeader}.
 */
export function resultCells(experiment: Experiment, row: Row): string[] {
  const { axis: budgetAxis } = experiment.budget;
  const { point } = row;
  const seeds = row.metrics.length;
  const remarks = [
    row.collapsed > 0 ? `collapsed ${row.collapsed}/${seeds}` : "",
    row.failed > 0 ? `failed ${row.failed}/${seeds}` : "",
  ].filter(Boolean);
  return [
    ...Object.keys(experiment.axes).map((axis, i) => {
      if (!point) return i === 0 ? "float32" : "";
      return axis === budgetAxis
        ? showBudgetOf(experiment, Number(point[axis]))
        : showValue(experiment, axis, point[axis]);
    }),
    showInterval(row.summary.testAccuracy, "testAccuracy"),
    point ? showInterval(row.loss, "testAccuracy", true) : "",
    remarks.join(", "),
  ];
}

/**
 * Draws the table of results for a terminal.
 *
 * @param experiment The experiment.
 * @param rows The baseline and points of the grid.
 * @returns Text of several lines.
 */
export function resultTable(experiment: Experiment, rows: readonly Row[]): string {
  return draw(resultHeader(experiment), rows.map((row) => resultCells(experiment, row)));
}

/**
 * Writes one row on a line, for a sweep that is still running.
 *
 * @param experiment The experiment.
 * @param row A point of the grid or the baseline.
 * @returns Such as `bit_width: per channel, weights, 4 bits: 97.08 ± 0.12 % (-0.70 ± 0.10)`.
 */
export function resultLine(experiment: Experiment, row: Row): string {
  const cells = resultCells(experiment, row);
  const [accuracy, difference, remarks] = cells.slice(-3);
  const where = cells.slice(0, -3).filter(Boolean).join(", ");
  return `${experiment.name}: ${where}: ${accuracy} %` +
    (difference ? ` (${difference})` : "") + (remarks ? `, ${remarks}` : "");
}

/**
 * Draws the table of cliffs for a terminal.
 *
 * @param experiment The experiment.
 * @param cliffs One report a series.
 * @returns Text of several lines.
 */
export function cliffsTable(experiment: Experiment, cliffs: readonly SeriesCliff[]): string {
  const { header, rows } = cliffTable(experiment, cliffs);
  return draw(header, rows);
}

function draw(head: string[], rows: string[][]): string {
  const table = new Table({ head, style: STYLE });
  table.push(...rows);
  return table.toString();
}
