import assert from "node:assert/strict";
import { run, zeros } from "../../gpu/mod.ts";
import { checkKernel, formatMismatches } from "../../kernels/check.ts";
import { registerMatmulKernels } from "../../kernels/matmul/matmul.ts";
import { matmulParams } from "../../kernels/matmul/spec.ts";
import { testDevice } from "../support/device.ts";

for (const kernel of registerMatmulKernels.kernels) {
  Deno.test(`${kernel.label} adds up 100,000 products`, async () => {
    const device = await testDevice();
    for (const ALIGNED of [0, 1]) {
      const longSum = { params: matmulParams(1, 4, 8, 100_000), constants: { ALIGNED } };
      const result = await checkKernel(device, kernel, longSum, 1);
      assert.equal(result.mismatches.length, 0, formatMismatches(result));
    }
  });
}

Deno.test("matmul.register_tiled refuses sums that lavapipe would cut short", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { nt, tnRowSum } = registerMatmulKernels;
  for (const [kernel, k, loops] of [[nt, 240_004, 60_001], [tnRowSum, 120_004, 60_002]] as const) {
    const [a, b] = [zeros(device, [k]), zeros(device, [k])];
    assert.throws(() => run(kernel, { a, b }, matmulParams(1, 1, 1, k)), {
      name: "RangeError",
      message: `Cannot run kernel "${kernel.label}": an invocation may loop 60000 times at most: ` +
        `it would ${loops} times`,
    });
  }
});
