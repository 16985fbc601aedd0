import assert from "node:assert/strict";
import { read, run, tensor } from "../../gpu/mod.ts";
import { casesOf, makeInputs } from "../../kernels/check.ts";
import { kernelRooms } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const withBias = kernelRooms.flatMap(({ kernels }) => kernels).flatMap((kernel) => {
  const bias = ["bias", "rowBias"].find((name) => kernel.spec.reads.includes(name));
  return bias !== undefined && kernel.family.constants?.RELU !== undefined
    ? [{ kernel, bias }]
    : [];
});

for (const { kernel, bias } of withBias) {
  Deno.test(`${kernel.label} hands on what is not finite, unless it rectifies`, async () => {
    const device = await testDevice();
    const [kernelCase] = casesOf(kernel);
    const constants = { ...kernelCase.constants, RELU: 0 };
    const allConstants = { ...kernel.family.constants, ...constants };
    const inputs = makeInputs(kernel, kernelCase.params, allConstants, 1);
    for (const bad of [NaN, -Infinity, Infinity]) {
      using _scope = device.scope();
      const given = Object.entries({ ...inputs, [bias]: inputs[bias].map(() => bad) });
      const tensors = given.map(([name, data]) => [name, tensor(device, data, [data.length])]);
      const made = run(kernel, Object.fromEntries(tensors), kernelCase.params, {
        constants,
        device,
      });
      const y = await read(made[kernel.spec.writes[0]]);
      assert.deepEqual(new Set(y), new Set([bad]));
    }
  });
}

Deno.test("every layer with a bias is among those that hand on what is not finite", () => {
  assert.deepEqual(
    new Set(withBias.map(({ kernel }) => kernel.family.name)),
    new Set([
      "batch_norm",
      "conv2d",
      "linear_bytes",
      "matmul",
    ]),
  );
});
