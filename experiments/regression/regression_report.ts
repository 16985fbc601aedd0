import { markdownTable } from "../markdown_table.ts";
import { formatAdapterName } from "../../gpu/mod.ts";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeCsv } from "../csv.ts";
import {
  OCTIZATION_AXES,
  type OctizationArm,
  type OctizationAxis,
} from "../definitions/octization_recipe.ts";
import { comparePairs, type Interval, mean, meanInterval } from "../statistics.ts";
import type { Run } from "../store.ts";
import { STRETCHES } from "../step_log.ts";
import { writeFile } from "../write_file.ts";
import type { RegressionMeasure, RegressionRow } from "./screen_regression.ts";
import {
  REGRESSION_EPOCH,
  REGRESSION_NOISE,
  REGRESSION_ROWS,
  REGRESSION_STEPS,
} from "./train_regression.ts";

/** Name of the experiment and of its folder. */
export const REGRESSION_NAME = "octization_regression";

/** What is asked. */
export const REGRESSION_QUESTION: string =
  "What do rounding, shadow weights, optimizer, scale and bits do to the fit of a line, where nothing " +
  "else is going on?";

/** A screening and the run that measured it. */
export interface RegressionResult {
  /** One an arm. */
  readonly rows: readonly RegressionRow[];
  /** Where, when and by which command. */
  readonly run: Run;
}

const METHOD = [
  `y = w x + noise: 32 inputs uniform in [-1, 1], true weights uniform in [-0.5, 0.5], noise of ` +
  `standard deviation ${REGRESSION_NOISE}, ${REGRESSION_ROWS} examples, all of them in every step.`,
  `${REGRESSION_STEPS} steps at a constant rate on the mean squared error; ${REGRESSION_EPOCH} steps ` +
  "stand for an epoch. Weights are rounded, the bias is not. Seeds share nothing but the inputs; arms " +
  "share seeds.",
  "What is measured is the excess error E (w_hat x + b - w x)^2 = |w_hat - w|^2 / 3 + b^2, exactly: noise " +
  "alone leaves about 0.01; a line of nothing but zeros has about 0.9.",
  "Mean ± half width of the 95 % interval over seeds; comparisons are paired by seed.",
];

function show(axis: OctizationAxis, value: string | number): string {
  return OCTIZATION_AXES[axis].values?.[String(value)] ?? String(value);
}

function showInterval({ n, mean: center, halfWidth }: Interval): string {
  return n === 1 ? center.toPrecision(3) : `${center.toPrecision(3)} ± ${halfWidth.toPrecision(2)}`;
}

function valuesOf(rows: readonly RegressionRow[], axis: OctizationAxis): (string | number)[] {
  return [...new Set(rows.map(({ arm }) => arm[axis]))];
}

/** Rows that differ in nothing but the bits, by what they share. */
function series(rows: readonly RegressionRow[]): Map<string, RegressionRow[]> {
  const groups = new Map<string, RegressionRow[]>();
  for (const row of rows) {
    const { bits: _bits, ...rest } = row.arm;
    const key = JSON.stringify(rest);
    groups.set(key, [...groups.get(key) ?? [], row]);
  }
  return groups;
}

/** One table an optimizer and scale: a line a series, a column a bit-width. */
function tablesOf(
  rows: readonly RegressionRow[],
  cell: (row: RegressionRow) => string,
): string {
  const bits = valuesOf(rows, "bits").map((one) => `${one} bits`);
  return valuesOf(rows, "optimizer").flatMap((optimizer) =>
    valuesOf(rows, "scale").map((scale) => {
      const own = rows.filter(({ arm }) => arm.optimizer === optimizer && arm.scale === scale);
      const lines = [...series(own).values()].map((members) => {
        const { master, rounding } = members[0].arm;
        return [show("master", master), show("rounding", rounding), ...members.map(cell)];
      });
      return `### ${show("optimizer", optimizer)}, ${show("scale", scale)}\n\n` +
        markdownTable(["weights", "rounding", ...bits], lines);
    })
  ).join("\n\n");
}

const errorsOf = ({ measures }: RegressionRow) => measures.map(({ excessError }) => excessError);

/** Truncation minus rounding to nearest, wherever both were measured. */
function contrasts(rows: readonly RegressionRow[]): string {
  const sameBut = (a: OctizationArm, b: OctizationArm) =>
    a.master === b.master && a.optimizer === b.optimizer && a.scale === b.scale &&
    a.bits === b.bits;
  const truncated = rows.filter(({ arm }) => arm.rounding === "towardZero");
  return tablesOf(truncated, (row) => {
    const nearest = rows.find(({ arm }) => arm.rounding === "nearestEven" && sameBut(arm, row.arm));
    return nearest === undefined
      ? "-"
      : showInterval(comparePairs(errorsOf(row), errorsOf(nearest)).difference);
  });
}

function shareOf(
  { measures }: RegressionRow,
  name: "updatesLost" | "zeroWeights",
): string {
  const values = measures.map((one) => one[name]).filter((value) => value !== undefined);
  return values.length === 0 ? "-" : `${(100 * mean(values)).toFixed(1)}`;
}

/**
 * Writes the report of a regression screening as Markdown.
 *
 * @param result What was measured.
 * @returns The text.
 */
export function writeRegressionReport({ rows, run }: RegressionResult): string {
  const rounded = rows.filter(({ arm }) => arm.master !== "float32");
  const trained = rounded.filter(({ arm }) => arm.master !== "post_training");
  const float32 = new Map(
    rows.filter(({ arm }) => arm.master === "float32").map((row) => [row.arm.optimizer, row]),
  );
  return [
    `# ${REGRESSION_NAME}`,
    REGRESSION_QUESTION,
    "## Method",
    METHOD.map((sentence) => `- ${sentence}`).join("\n"),
    `Seeds: ${rows[0].measures.length}. \`${run.command}\`, commit ${run.commit.slice(0, 12)}, ` +
    `${formatAdapterName(run.adapter, run.software)}, ${run.started}.`,
    "## Excess error, float32",
    markdownTable(
      ["optimizer", "excess error"],
      [...float32].map(([name, row]) => [
        show("optimizer", name),
        showInterval(meanInterval(errorsOf(row))),
      ]),
    ),
    "## Excess error",
    tablesOf(rounded, (row) => showInterval(meanInterval(errorsOf(row)))),
    "## Excess error of truncation minus rounding to nearest",
    contrasts(rounded),
    "## Updates lost to rounding, % of the weights that moved, mean over steps",
    tablesOf(trained, (row) => shareOf(row, "updatesLost")),
    `Means over ${STRETCHES} stretches of the steps, with zeros and the norm of the weights: [steps.csv](steps.csv).`,
    "## Weights that are 0 in the end, %",
    tablesOf(rounded, (row) => shareOf(row, "zeroWeights")),
  ].join("\n\n") + "\n";
}

/**
 * Writes every arm on every seed as a row.
 *
 * @param rows What was measured.
 * @returns CSV: one column an axis, seed, and what was measured.
 */
export function regressionCsv(rows: readonly RegressionRow[]): string {
  const axes = Object.keys(OCTIZATION_AXES) as OctizationAxis[];
  const names = ["seed", "excessError", "updatesLost", "zeroWeights", "weightNorm"] as const;
  const cells = (one: RegressionMeasure) => names.map((name) => one[name]);
  return writeCsv(
    [...axes, ...names],
    rows.flatMap(({ arm, measures }) =>
      measures.map((one) => [...axes.map((axis) => arm[axis]), ...cells(one)])
    ),
  );
}

/**
 * Writes what the steps of every arm did to weights that are rounded while they are trained.
 *
 * @param rows What was measured.
 * @returns CSV: one column an axis, the last step of a stretch, and means over its steps and all seeds.
 */
export function regressionStepsCsv(rows: readonly RegressionRow[]): string {
  const axes = Object.keys(OCTIZATION_AXES) as OctizationAxis[];
  const short = (value: number) => Number(value.toPrecision(6));
  return writeCsv(
    [...axes, "step", "updatesLost", "zeroWeights", "weightNorm"],
    rows.flatMap(({ arm, steps = [] }) =>
      steps.map(({ step, updatesLost, zeros, norm }) => [
        ...axes.map((axis) => arm[axis]),
        step,
        ...[updatesLost, zeros, norm].map(short),
      ])
    ),
  );
}

/**
 * Writes `report.md`, `results.csv` and `steps.csv` into a folder of their own.
 *
 * @param result What was measured.
 * @param folder Of all experiments, such as `runs`.
 * @returns Paths of the files, the report first.
 */
export function writeRegression(result: RegressionResult, folder: string): string[] {
  const home = join(folder, REGRESSION_NAME);
  mkdirSync(home, { recursive: true });
  const [report, csv, steps] = ["report.md", "results.csv", "steps.csv"].map((name) =>
    join(home, name)
  );
  writeFile(csv, regressionCsv(result.rows));
  writeFile(steps, regressionStepsCsv(result.rows));
  writeFile(report, writeRegressionReport(result));
  return [report, csv, steps];
}
