import assert from "node:assert/strict";
import { WorkMeter } from "../../experiments/cost.ts";
import type { ReconstructionMethod } from "../../experiments/quantization_trial.ts";
import { overrideExperiment, planTrials, ptqMethods, qat } from "../../experiments/mod.ts";

Deno.test("WorkMeter counts trainings under quantization as work, not as one evaluation", () => {
  const { trials } = planTrials(overrideExperiment(qat, { seeds: 1 }));
  const meter = new WorkMeter(trials);
  const isCheap = ({ trial }: typeof trials[number]) => trial.compression.kind === "none";
  const [cheap, dear] = [trials.filter(isCheap), trials.filter((one) => !isCheap(one))];
  assert.ok(cheap.length === 1 && dear.length > 20);
  assert.equal(meter.completed, 0);
  // the float32 network of 10 epochs: far less than each of the others, of 20 epochs and more
  for (const { id } of cheap) meter.ended(id);
  assert.ok(meter.completed < 1 / dear.length, `${meter.completed}`);
  dear.forEach(({ id }, i) => {
    const before = meter.completed;
    meter.ended(id);
    assert.ok(meter.completed > before + 0.5 / dear.length, `trial ${i}`);
  });
  assert.equal(meter.completed, 1);
});

Deno.test("WorkMeter counts what is learned in a reconstruction, and a shared training once", () => {
  const { trials } = planTrials(overrideExperiment(ptqMethods, { seeds: 1 }));
  const meter = new WorkMeter(trials);
  const methodOf = ({ trial: { compression } }: typeof trials[number]) =>
    compression.kind === "post_training" ? compression.method : compression.kind;
  meter.trained(trials[0].id, 0.5);
  const half = meter.completed;
  for (const { id } of trials) meter.trained(id, 0.5);
  assert.equal(meter.completed, half);
  meter.trained(trials[0].id, 1);
  const shareOf = (method: string, isIn = (_compression: object) => true) => {
    const before = meter.completed;
    const found = trials.find((one) => methodOf(one) === method && isIn(one.trial.compression))!;
    meter.ended(found.id);
    return meter.completed - before;
  };
  const [nearest, obq] = [shareOf("nearest"), shareOf("obq")];
  const [together, byLayers] = [false, true].map((isByLayers) =>
    shareOf(
      "reconstruction",
      (found) => ("blocks" in (found as ReconstructionMethod).plan) === isByLayers,
    )
  );
  assert.ok(obq > 5 * nearest && together > 5 * nearest && byLayers > 2 * together);
});
