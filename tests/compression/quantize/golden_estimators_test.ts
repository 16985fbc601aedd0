import assert from "node:assert/strict";
import { learnedStepQuantize, magnitudeWeights } from "../../../autograd/mod.ts";
import { read, tensor } from "../../../gpu/mod.ts";
import { testDevice } from "../../support/device.ts";
import { goldenRecords } from "./golden_records.ts";

interface LearnedStepRecord {
  readonly step: number;
  readonly limits: readonly [number, number];
  readonly levels: "integers" | "signs";
  readonly offset?: number;
  readonly x: readonly number[];
  readonly codes: readonly number[];
}

interface MagnitudeRecord {
  readonly values: readonly number[];
  readonly levels: "binary" | "ternary";
  readonly codes: readonly number[];
}

Deno.test("learnedStepQuantize() gives the golden levels", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const record of goldenRecords<LearnedStepRecord>("learnedStep")) {
    const { x, step, limits, levels, offset, codes } = record;
    const y = await read(learnedStepQuantize(tensor(device, [...x]), {
      step: tensor(device, [step]),
      limits: tensor(device, [...limits]),
      inner: x.length,
      levels,
      ...offset !== undefined && { offset: tensor(device, [offset]) },
    }));
    const found = Array.from(y, (value) => (value - (offset ?? 0)) / step + 0);
    assert.deepEqual(found, codes, `${levels} ${limits}`);
  }
});

Deno.test("magnitudeWeights() gives the golden signs and zeros", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const { values, levels, codes } of goldenRecords<MagnitudeRecord>("magnitude")) {
    const y = await read(magnitudeWeights(tensor(device, [...values]), levels, values.length));
    assert.deepEqual(Array.from(y, (value) => Math.sign(value) + 0), codes, levels);
  }
});
