import assert from "node:assert/strict";
import { layerRemarks, type LayerReport } from "../../training/mod.ts";

const report: LayerReport = {
  layer: "conv1",
  groups: 1,
  inputs: 9,
  samples: 100,
  constantInputs: [],
};

Deno.test("layerRemarks() compares samples with the inputs of one group", () => {
  const depthwise = { ...report, groups: 64, inputs: 64 * 9 };
  assert.deepEqual(layerRemarks(depthwise), []); // 100 samples of 9 inputs each
  assert.deepEqual(layerRemarks({ ...depthwise, samples: 9 }), []);
  assert.deepEqual(layerRemarks({ ...depthwise, samples: 8 }), [
    "conv1: 8 samples for 9 inputs of a group: the Hessian is not of full rank",
  ]);
  assert.deepEqual(layerRemarks({ ...report, samples: 8 }), [
    "conv1: 8 samples for 9 inputs: the Hessian is not of full rank",
  ]);
});

Deno.test("layerRemarks() lists few constant inputs and counts many, and names damped groups", () => {
  const grouped = { ...report, groups: 2, inputs: 18 };
  assert.deepEqual(layerRemarks({ ...grouped, constantInputs: [0, 17] }), [
    "conv1: 2 of 18 inputs (0, 17) were the same in all 100 samples: calibration says little of their weights",
  ]);
  assert.deepEqual(layerRemarks({ ...grouped, constantInputs: [0, 1, 2, 3, 4, 5] }), [
    "conv1: 6 of 18 inputs were the same in all 100 samples: calibration says little of their weights",
  ]);
  const damping = [{ asked: 0.5, used: 0.5 }, { asked: 0.5, used: 5 }];
  assert.deepEqual(layerRemarks({ ...grouped, damping }), [
    "conv1: the Hessian of group 1 was not positive definite: damped by 5 instead of 0.5",
  ]);
});
