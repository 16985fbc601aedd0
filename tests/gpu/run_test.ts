import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { checkGrid, linearGrid, MAX_WORKGROUPS } from "../../gpu/grid.ts";
import { defineKernels, empty, read, reshape, run, slice, tensor, zeros } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { scaleKernels, scaleParams, scaleSpec } from "./scale_kernels.ts";

Deno.test("run() gives its outputs the lengths that the family declares", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3, 4, 5], [5]);
  const { y, twin } = run(scaleKernels.split, { x }, scaleParams(5, -1));
  assert.deepEqual([...await read(y)], [1, 2, 3, 4, 5]);
  assert.deepEqual([...await read(twin)], [-1, -2, -3, -4, -5]);
});

Deno.test("run() updates in place and writes where it is told", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3]);
  const total = tensor(device, [10, 10, 10]);
  run(scaleKernels.accumulate, { x, total }, scaleParams(3));
  run(scaleKernels.accumulate, { x, total }, scaleParams(3));
  const y = empty(device, [1, 3]);
  assert.equal(run(scaleKernels.scale, { x: total }, scaleParams(3), { into: { y } }).y, y);
  assert.deepEqual([...await read(total)], [14, 18, 22]);
  assert.deepEqual([...await read(y)], [28, 36, 44]);
});

Deno.test("run() refuses what does not fit, each with what was wanted", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3]);
  const params = scaleParams(3);
  const bytes = tensor(device, new Uint32Array(3));
  const memory = zeros(device, [128]);
  const { scale, accumulate, split } = scaleKernels;
  const refusals: [() => unknown, string, string][] = [
    [
      () => run(scale, { x: tensor(device, [1, 2, 3, 4], [2, 2]) }, params),
      "RangeError",
      'kernel "scale.scale": "x" must have 3 elements, current shape is [2, 2]',
    ],
    [
      () => run(scale, { x: bytes }, params),
      "RangeError",
      'kernel "scale.scale": "x" must be f32: it is u32',
    ],
    [
      () => run(accumulate, { x }, params),
      "RangeError",
      'kernel "scale.accumulate": "total" must be given: it is missing',
    ],
    [
      () => run(scale, { x }, params, { into: { y: bytes } }),
      "RangeError",
      'kernel "scale.scale": "y" must be f32: it is u32',
    ],
    [
      () => run(scale, { x }, params, { into: { z: x } }),
      "RangeError",
      'kernel "scale.scale": it writes no "z"',
    ],
    [
      () => run(scale, { x }, params, { constants: { LANES: 8 } }),
      "RangeError",
      'kernel "scale.scale": it has no constant "LANES"',
    ],
    [
      () => run(scale, { x }, { size: 3, rounds: 1 }),
      "RangeError",
      'kernel "scale.scale": param "factor" must be a number: undefined',
    ],
    [
      () => run(scale, { x }, { size: 3, rounds: 1.5, factor: 2 }),
      "RangeError",
      'kernel "scale.scale": param "rounds" must be a whole u32: 1.5',
    ],
    [
      () => run(scale, { x }, { size: 3, rounds: 60_001, factor: 1 }),
      "RangeError",
      'kernel "scale.scale": an invocation may loop 60000 times at most: it would 60001 times',
    ],
    [
      () => run(scale, {}, params),
      "TypeError",
      'kernel "scale.scale": it reads nothing, so a device must be given',
    ],
    [
      () => run(scale, { x }, params, { into: { y: x } }),
      "TypeError",
      'kernel "scale.scale": "y" is written and must not share memory with "x"',
    ],
    [
      () =>
        run(scale, { x: slice(memory, 0, [3]) }, params, { into: { y: slice(memory, 64, [3]) } }),
      "TypeError",
      'kernel "scale.scale": "y" is written and must not share memory with "x"',
    ],
    [
      () => run(split, { x }, params, { into: { y: memory, twin: memory } }),
      "RangeError",
      'kernel "scale.split": "y" must have 3 elements, current shape is [128]',
    ],
    [
      () => {
        const shared = reshape(zeros(device, [3]), [3]);
        return run(split, { x }, params, { into: { y: shared, twin: shared } });
      },
      "TypeError",
      'kernel "scale.split": "y" is written and must not share memory with "twin"',
    ],
  ];
  for (const [attempt, name, message] of refusals) {
    assert.throws(attempt, { name, message: `Cannot run ${message}` });
  }
  assert.deepEqual([...await read(x)], [1, 2, 3], "no refused run has reached the GPU");
});

Deno.test("run() writes slices of one tensor side by side", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const both = zeros(device, [128]);
  const into = { y: slice(both, 0, [3]), twin: slice(both, 64, [3]) };
  run(scaleKernels.split, { x: tensor(device, [1, 2, 3]) }, scaleParams(3), { into });
  const values = await read(both);
  assert.deepEqual([...values.subarray(0, 3), ...values.subarray(64, 67)], [1, 2, 3, 2, 4, 6]);
});

Deno.test("run() refuses a grid that is not of whole numbers", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3]);
  for (const grid of [[0.5, 1, 1], [1, 65_536, 1], [-1, 1, 1], [NaN, 1, 1]] as const) {
    const { scale } = defineKernels({ ...scaleSpec, workgroups: () => grid });
    assert.throws(() => run(scale, { x }, scaleParams(3)), {
      name: "RangeError",
      message: 'Cannot run kernel "scale.scale": workgroups must be whole numbers up to 65535: ' +
        `grid is [${grid.join(", ")}]`,
    });
  }
});

Deno.test("run() does nothing for an empty tensor", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { y } = run(scaleKernels.scale, { x: empty(device, [0]) }, scaleParams(0));
  assert.deepEqual([...await read(y)], []);
});

Deno.test("linearGrid() covers every invocation with few to spare", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 2 ** 31 }),
    fc.constantFrom(8, 64, 256),
    (invocations, size) => {
      const [x, y, z] = linearGrid(invocations, size);
      checkGrid("any", [x, y, z]);
      const rows = Math.ceil(Math.ceil(invocations / size) / MAX_WORKGROUPS);
      return z === 1 && x * y * size >= invocations && x * y * size < invocations + rows * size;
    },
  ));
});
