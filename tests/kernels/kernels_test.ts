import assert from "node:assert/strict";
import { casesOf, checkKernel, formatMismatches } from "../../kernels/check.ts";
import { kernelRooms } from "../../kernels/mod.ts";
import { randomSource } from "../../kernels/random_source.ts";
import { testDevice } from "../support/device.ts";

const RANDOM_CASES = 6;

for (const { family, kernels } of kernelRooms) {
  for (const kernel of kernels) {
    Deno.test(`${kernel.label} agrees with its float64 reference`, async () => {
      const device = await testDevice();
      const random = randomSource(20);
      const drawn = Array.from({ length: RANDOM_CASES }, () => family.randomCase?.(random))
        .filter((drawnCase) => drawnCase !== undefined)
        .filter(({ entries }) => entries?.includes(kernel.entry) ?? true);
      const cases = [...casesOf(kernel), ...drawn];
      assert.ok(cases.length > 0, "a kernel must have at least one case");
      for (const [seed, kernelCase] of cases.entries()) {
        const result = await checkKernel(device, kernel, kernelCase, seed + 1);
        assert.equal(result.mismatches.length, 0, formatMismatches(result));
        assert.ok(result.compared > 0);
      }
    });
  }
}
