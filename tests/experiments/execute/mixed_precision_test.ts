import assert from "node:assert/strict";
import { modelOn } from "../../../experiments/execute/laboratory.ts";
import { surveyOf } from "../../../experiments/execute/mixed_precision.ts";
import type { MixedPrecisionMethod } from "../../../experiments/quantization_trial.ts";
import { initialParameters } from "../../../models/mod.ts";
import { withBars } from "./bars_laboratory.ts";
import { smallRecipe, trialsOf } from "./small_trials.ts";

Deno.test("surveyOf() measures the layers of a network once, whatever group of trials asks", () =>
  withBars(async ({ laboratory, bars }) => {
    const [trial] = trialsOf(smallRecipe(bars), [0]);
    const bench = await laboratory.bench(trial);
    const model = modelOn(trial.model, bench);
    const [host, other] = [1, 2].map((seed) => initialParameters(model, seed));
    const method: MixedPrecisionMethod = {
      method: "mixed_precision",
      sensitivity: "loss",
      search: "exact",
      averageBits: 2,
      images: 32,
    };
    const choicesOf = (of: typeof host, changed: Partial<MixedPrecisionMethod> = {}) =>
      surveyOf(laboratory.device, model, of, bench).choicesFor({ ...method, ...changed });
    const first = await choicesOf(host);
    assert.deepEqual(first.map(({ layer }) => layer), model.layers);
    assert.equal(await choicesOf(host, { averageBits: 3, search: "greedy" }), first);
    assert.notDeepEqual(await choicesOf(host, { images: 64 }), first);
    assert.notDeepEqual(await choicesOf(host, { sensitivity: "hessian" }), first);
    assert.notDeepEqual(await choicesOf(other), first);
  }));
