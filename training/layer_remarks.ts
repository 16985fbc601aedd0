import { fewImagesRemarks, OBSERVED_IMAGES } from "./calibration_images.ts";
import type { LayerReport } from "./quantize_layers.ts";

/** Indices that are listed in full; beyond, only their count is given. */
const MOST_LISTED = 5;

/**
 * Says what a person should know about the calibration of a layer before trusting its codes.
 *
 * @param report Of one layer, from `quantizeLayerByLayer`.
 * @returns One sentence a remark, each with the layer's name; none if all is as it should be.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { layerRemarks } from "./layer_remarks.ts";
 *
 * const damping = [{ asked: 0, used: 2e-10 }];
 * const report = { layer: "fc1", groups: 1, inputs: 4, samples: 8, constantInputs: [], damping };
 * assert.deepEqual(layerRemarks(report), [
 *   "fc1: the Hessian was not positive definite: damped by 2e-10 instead of 0",
 * ]);
 * ```
 */
export function layerRemarks(report: LayerReport): string[] {
  const { layer, groups, inputs, samples, constantInputs: constant, damping = [] } = report;
  const { imagesObserved = OBSERVED_IMAGES } = report;
  const remarks = fewImagesRemarks(layer, imagesObserved, OBSERVED_IMAGES);
  if (constant.length > 0) {
    const which = constant.length > MOST_LISTED ? "" : ` (${constant.join(", ")})`;
    remarks.push(
      `${layer}: ${constant.length} of ${inputs} inputs${which} were the same in all ${samples} ` +
        "samples: calibration says little of their weights",
    );
  }
  const seen = inputs / groups; // by one Hessian
  if (samples < seen) {
    const where = groups === 1 ? "" : " of a group";
    remarks.push(
      `${layer}: ${samples} samples for ${seen} inputs${where}: the Hessian is not of full rank`,
    );
  }
  damping.forEach(({ asked, used }, group) => {
    if (used <= asked) return;
    const where = damping.length === 1 ? "" : ` of group ${group}`;
    const [by, instead] = [used, asked].map((value) => `${Number(value.toPrecision(3))}`);
    remarks.push(
      `${layer}: the Hessian${where} was not positive definite: damped by ${by} instead of ${instead}`,
    );
  });
  return remarks;
}
