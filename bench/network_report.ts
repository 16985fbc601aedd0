import { type Column, formatColumns, formatMilliseconds, formatSpread } from "./columns.ts";
import type { EvaluationRow } from "./evaluation_bench.ts";
import type { TrainingRow } from "./training_bench.ts";

const TRAINING_COLUMNS: readonly Column[] = [
  { title: "step", align: "left" },
  { title: "median", align: "right" },
  { title: "p10-p90", align: "right" },
  { title: "dispatches", align: "right" },
  { title: "vs eager", align: "right" },
];

/**
 * Writes the ways to do a training step of one network and batch.
 *
 * @param rows Eager first.
 * @returns A title and a row a way.
 */
export function formatTraining(rows: readonly TrainingRow[]): string {
  const [{ model, batch, timing: eager }] = rows;
  const cells = rows.map(({ mode, timing, dispatches }) => [
    mode,
    formatMilliseconds(timing.median),
    formatSpread(timing.p10, timing.p90),
    `${dispatches}`,
    `${(eager.median / timing.median).toFixed(2)}x`,
  ]);
  return `training_step  ${model}, batch ${batch}\n${formatColumns(TRAINING_COLUMNS, cells, 2)}`;
}

const EVALUATION_COLUMNS: readonly Column[] = [
  { title: "networks at once", align: "left" },
  { title: "a network", align: "right" },
  { title: "p10-p90", align: "right" },
  { title: "a minute", align: "right" },
];

/**
 * Writes the time of an evaluation by size of population.
 *
 * @param rows One a size.
 * @returns A title and the rows.
 */
export function formatEvaluation(rows: readonly EvaluationRow[]): string {
  const [{ model, images }] = rows;
  const cells = rows.map(({ networks, isQuantized, timing }) => [
    isQuantized ? `${networks}, quantized anew` : `${networks}`,
    formatMilliseconds(timing.median),
    formatSpread(timing.p10, timing.p90),
    Math.round(60_000 / timing.median).toLocaleString("en"),
  ]);
  return `evaluation  ${model}, ${images} images, the wait for the result included\n` +
    formatColumns(EVALUATION_COLUMNS, cells, 2);
}
