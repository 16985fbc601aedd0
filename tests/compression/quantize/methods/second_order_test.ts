import assert from "node:assert/strict";
import {
  centerHessian,
  chooseWeightedGrids,
  chooseWeightGrids,
  dequantizeWeight,
  quantizeBySecondOrder,
  roundToGrids,
  type WeightGridOptions,
} from "../../../../compression/mod.ts";
import { correlatedInputs, hessianOf, normals, outputError } from "./random_hessian.ts";

const shape = [4, 16];
const [rows, inputs] = shape;
const weight = normals(rows * inputs, 1);
// some inputs matter ten times as much as others, and all have means
const x = correlatedInputs(400, inputs, 2).map((v, i) =>
  (v + 3) * (i % inputs % 3 === 0 ? 1 : 0.1)
);
const hessian = hessianOf(x, inputs);
const diagonalError = (values: Float32Array) =>
  weight.reduce((sum, w, i) => {
    const j = i % inputs;
    return sum + hessian.values[j * inputs + j] * (w - values[i]) ** 2;
  }, 0);

Deno.test("chooseWeightedGrids() spends its levels where inputs are large", () => {
  const kinds: WeightGridOptions[] = [
    { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
    {
      grid: { kind: "affine", bits: 2 },
      granularity: "channel",
      observer: { kind: "meanSquaredError" },
    },
  ];
  for (const options of kinds) {
    const errors = [
      chooseWeightGrids(weight, shape, options),
      chooseWeightedGrids(weight, shape, hessian, options),
    ].map((grids) => diagonalError(dequantizeWeight(roundToGrids(weight, shape, grids))));
    assert.ok(errors[1] < 0.95 * errors[0], `${options.grid.kind}: ${errors}`);
  }
});

Deno.test("chooseWeightedGrids() chooses other grids as without calibration", () => {
  for (
    const options of [
      { grid: { kind: "affine", bits: 3 }, granularity: { group: 8 } },
      { grid: { kind: "binary" }, granularity: "channel" },
    ] satisfies WeightGridOptions[]
  ) {
    assert.deepEqual(
      chooseWeightedGrids(weight, shape, hessian, options),
      chooseWeightGrids(weight, shape, options),
    );
  }
});

Deno.test("chooseWeightedGrids() works where nothing is known of any input", () => {
  const nothing = { ...hessian, values: new Float64Array(inputs * inputs) };
  const options = { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" } as const;
  assert.deepEqual(
    chooseWeightedGrids(weight, shape, nothing, options),
    chooseWeightGrids(weight, shape, options),
  );
});

Deno.test("chooseWeightedGrids() refuses a diagonal that is not finite, with the weight's name", () => {
  const values = hessian.values.with(2 * (inputs + 1), NaN);
  for (
    const options of [
      { grid: { kind: "lloydMax", bits: 2 } },
      { grid: { kind: "affine", bits: 2 }, observer: { kind: "meanSquaredError" } },
    ] as const
  ) {
    const named = { ...options, granularity: "channel", label: "fc1.weight" } as const;
    assert.throws(() => chooseWeightedGrids(weight, shape, { ...hessian, values }, named), {
      name: "RangeError",
      message: 'Cannot weigh the values of "fc1.weight": the diagonal of the Hessian must be ' +
        "finite: element 2 is NaN",
    });
  }
});

Deno.test("quantizeBySecondOrder() keeps mean outputs, and spends no codes on them", () => {
  const bias = normals(rows, 3);
  const grids = { grid: { kind: "lloydMax", bits: 1 }, granularity: "channel" } as const;
  const moments = { hessian };
  const plain = quantizeBySecondOrder({ weight, shape, moments }, { grids });
  const found = quantizeBySecondOrder({ weight, shape, bias, moments }, { grids });
  assert.equal(plain.bias, undefined);
  const q = dequantizeWeight(found.quantized);
  for (let row = 0; row < rows; row++) {
    let offset = found.bias![row] - bias[row];
    for (let i = 0; i < inputs; i++) {
      offset += (q[row * inputs + i] - weight[row * inputs + i]) * hessian.mean[i];
    }
    assert.ok(Math.abs(offset) < 1e-5);
  }
  const centered = centerHessian(hessian);
  const spread = (values: Float32Array) => outputError(weight, values, centered);
  assert.ok(spread(q) < spread(dequantizeWeight(plain.quantized)));
});

Deno.test("quantizeBySecondOrder() comes nearer with coordinate descent", () => {
  const bias = normals(rows, 3);
  const grids = { grid: { kind: "lloydMax", bits: 1 }, granularity: "channel" } as const;
  const errors = [0, 10].map((sweeps) => {
    const layer = { weight, shape, bias, moments: { hessian } };
    const { quantized } = quantizeBySecondOrder(layer, { grids, sweeps });
    return outputError(weight, dequantizeWeight(quantized), centerHessian(hessian));
  });
  assert.ok(errors[1] < errors[0], `${errors}`);
});

Deno.test("quantizeBySecondOrder() says the most that its steps damped by", () => {
  // the last input is the second, a little of the first, and next to nothing of its own: taken last it
  // leaves no pivot, taken first the others do, so only the matched target needs damping
  const e = 1e-4;
  const values = new Float64Array([1, 0, e, 0, 1, 1, e, 1, 1 + e * e + 1e-13]);
  const mean = new Float64Array(3);
  const dependent = { groups: 1, inputs: 3, samples: 1, values, mean };
  const layer = { weight: new Float32Array([1, -2, 0.5]), shape: [1, 3] };
  const recipe = {
    grids: { grid: { kind: "affine", bits: 2 }, granularity: "channel" },
    damping: { percent: 0, order: "natural" },
  } as const;
  const plain = quantizeBySecondOrder({ ...layer, moments: { hessian: dependent } }, recipe);
  assert.deepEqual(plain.damping, [{ asked: 0, used: 0 }]);
  const moments = { hessian: dependent, cross: { values, mean } };
  const [{ asked, used }] = quantizeBySecondOrder({ ...layer, moments }, recipe).damping!;
  assert.ok(asked === 0 && used > 0, `${used}`);
});
