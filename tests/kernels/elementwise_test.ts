import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { read, run, tensor } from "../../gpu/mod.ts";
import {
  BINARY,
  broadcastParams,
  broadcastShape,
  elementwiseKernels,
  elementwiseParams,
} from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 });

Deno.test("broadcastShape() pads on the left and stretches axes of 1, as NumPy does", () => {
  assert.deepEqual(broadcastShape([3, 1, 5], [4, 1]), [3, 4, 5]);
  assert.deepEqual(broadcastShape([], [2, 3]), [2, 3]);
  assert.deepEqual(broadcastShape([1], [1]), [1]);
  assert.deepEqual(broadcastShape([8, 1, 6, 1], [7, 1, 5]), [8, 7, 6, 5]);
});

Deno.test("broadcastShape() is symmetric and leaves a shape with a scalar as it is", () => {
  fc.assert(fc.property(shapes, fc.array(fc.boolean(), { minLength: 4 }), (shape, thin) => {
    const other = shape.map((axis, i) => thin[i] ? 1 : axis);
    assert.deepEqual(broadcastShape(shape, other), shape);
    assert.deepEqual(broadcastShape(other, shape), shape);
    assert.deepEqual(broadcastShape(shape, []), shape);
  }));
});

Deno.test("broadcastShape() refuses axes that differ, and a fifth axis", () => {
  assert.throws(() => broadcastShape([2, 3], [2]), {
    name: "RangeError",
    message: "Cannot broadcast: axes must be equal or 1, and at most 4: shapes are [2,3] and [2]",
  });
  assert.throws(() => broadcastShape([1, 1, 1, 1, 2], [2]), RangeError);
});

Deno.test("elementwise.broadcast adds a row and a column", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const a = tensor(device, [1, 2, 3], [3]);
  const b = tensor(device, [10, 20], [2, 1]);
  const { y } = run(elementwiseKernels.broadcast, { a, b }, broadcastParams(a.shape, b.shape));
  assert.deepEqual([...await read(y)], [11, 12, 13, 21, 22, 23]);
});

Deno.test("elementwise.binary passes the first where the second is positive, by comparison", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const a = tensor(device, [1, NaN, Infinity, 4, 5]);
  const b = tensor(device, [1, -1, 0, NaN, 1e-30]);
  const { y } = run(elementwiseKernels.binary, { a, b }, elementwiseParams(5), {
    constants: { OP: BINARY.passWherePositive },
  });
  assert.deepEqual([...await read(y)], [1, 0, 0, 0, 5]);
});
