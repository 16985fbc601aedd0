import assert from "node:assert/strict";
import { drawStepLogs } from "../../experiments/charts/step_log_chart.ts";
import { checkExperiment } from "../../experiments/check_experiment.ts";
import { octizationContrasts, overrideExperiment, writeReport } from "../../experiments/mod.ts";
import { networkId } from "../../experiments/trial.ts";
import { fakeResult } from "./small_result.ts";

const experiment = overrideExperiment(octizationContrasts, { seeds: 2 });
const spec = experiment.stepLogs!;
const result = await fakeResult(experiment);

/** A log of 100 steps whose numbers depend on seed and step. */
function logOf(seed: number) {
  return Array.from({ length: 100 }, (_, i) => ({
    step: i + 1,
    updatesLost: seed === 0 ? 1 : 0.5,
    zeros: i / 100,
    norm: 5 + i,
  }));
}

const seedOf = new Map(
  [0, 1].flatMap((seed) =>
    (["shadow", "in_place_step"] as const).flatMap((master) => {
      const point = {
        rounding: "towardZero",
        master,
        optimizer: "adam_0.001",
        scale: "fixed",
        bits: 8,
      };
      return [[networkId(experiment.trial(point, seed)), seed] as const];
    })
  ),
);

Deno.test("drawStepLogs() draws means over seeds and stretches of the arms that have logs", () => {
  const drawn = drawStepLogs(result, spec, (id) => {
    const seed = seedOf.get(id);
    return seed === undefined ? undefined : logOf(seed);
  })!;
  const [header, ...rows] = drawn.csv.trim().split("\r\n");
  assert.equal(header, "series,step,updates_lost,zero_weights,weight_norm,seeds");
  assert.equal(rows.length, 2 * 25);
  assert.equal(rows[0], '"toward zero, shadow weights",4,0.75,0.015,6.5,2');
  assert.equal(rows.at(-1), '"toward zero, in place every step",100,0.75,0.975,102.5,2');
  assert.deepEqual([...drawn.png.subarray(1, 4)], [..."PNG"].map((c) => c.charCodeAt(0)));
});

Deno.test("drawStepLogs() draws nothing without a log, and the report links to what there is", () => {
  assert.equal(drawStepLogs(result, spec, () => undefined), undefined);
  assert.doesNotMatch(writeReport(result), /steps_in_place_and_shadow/);
  assert.match(writeReport(result, true), /\(steps_in_place_and_shadow\.png\)/);
});

Deno.test("checkExperiment() refuses a chart of steps off the grid", () => {
  const where = { ...spec.where, bits: [5] };
  assert.throws(
    () => checkExperiment({ ...experiment, stepLogs: { ...spec, where } }),
    /chart "steps_in_place_and_shadow" must be on the grid: bits = 5 is not$/,
  );
  const { bits: _bits, ...rest } = spec.where;
  assert.throws(
    () => checkExperiment({ ...experiment, stepLogs: { ...spec, where: rest } }),
    /chart "steps_in_place_and_shadow" must name values of every axis$/,
  );
});
