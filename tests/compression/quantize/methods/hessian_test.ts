import assert from "node:assert/strict";
import {
  centerHessian,
  constantInputs,
  dampHessian,
  factorHessian,
} from "../../../../compression/mod.ts";
import { correlatedInputs, hessianOf } from "./random_hessian.ts";

const inputs = 5;
const x = correlatedInputs(40, inputs, 7);

Deno.test("factorHessian() damps by a share of the mean diagonal, and says by how much", () => {
  const hessian = hessianOf(x, inputs);
  const diagonal = Array.from({ length: inputs }, (_, i) => hessian.values[i * (inputs + 1)]);
  const mean = diagonal.reduce((a, b) => a + b) / inputs;
  assert.deepEqual(factorHessian(hessian, 0, { percent: 0 }).damping, { asked: 0, used: 0 });
  const { asked, used } = factorHessian(hessian, 0, { percent: 0.02 }).damping;
  assert.ok(Math.abs(asked - 0.02 * mean) < 1e-12 && used === asked);
});

Deno.test("factorHessian() damps a Hessian of too few samples until it is positive definite", () => {
  const singular = hessianOf(x.slice(0, 2 * inputs), inputs);
  const { damping, upper } = factorHessian(singular, 0, { percent: 0 });
  assert.ok(damping.asked === 0 && damping.used > 0 && upper.every(Number.isFinite));
  const nothing = { ...singular, values: new Float64Array(inputs * inputs) };
  assert.ok(factorHessian(nothing, 0).damping.used > 0);
});

Deno.test("factorHessian() takes the largest diagonal elements first", () => {
  const scaled = hessianOf(x.map((value, i) => value * [1, 5, 2, 4, 3][i % inputs]), inputs);
  assert.deepEqual([...factorHessian(scaled, 0).order], [1, 3, 4, 2, 0]);
  assert.deepEqual([...factorHessian(scaled, 0, { order: "natural" }).order], [0, 1, 2, 3, 4]);
});

Deno.test("factorHessian() refuses NaN and negative damping", () => {
  const hessian = hessianOf(x, inputs);
  const broken = { ...hessian, values: hessian.values.with(3, NaN) };
  assert.throws(
    () => factorHessian(broken, 0),
    new RangeError(
      "Cannot factor a Hessian: its elements must be finite: element 3 is NaN",
    ),
  );
  assert.throws(() => factorHessian(hessian, 0, { percent: -1 }), RangeError);
});

/** Two inputs, whatever their second moments. */
const small = (...values: number[]) => ({
  groups: values.length / 4,
  inputs: 2,
  samples: 1,
  values: new Float64Array(values),
  mean: new Float64Array(values.length / 2),
});

Deno.test("factorHessian() refuses a negative diagonal, whatever its mean", () => {
  const refusal = (group: string, element: number, value: number) =>
    new RangeError(
      `Cannot factor a Hessian${group}: no element of its diagonal may be negative: element ` +
        `${element} is ${value}`,
    );
  assert.throws(() => factorHessian(small(-2, 0, 0, 1), 0), refusal("", 0, -2));
  assert.throws(() => factorHessian(small(5, 0, 0, -1), 0), refusal("", 3, -1));
  const second = small(1, 0, 0, 1, 1, 0, 0, -3);
  assert.throws(() => factorHessian(second, 1), refusal(" of group 1", 3, -3));
  assert.deepEqual(factorHessian(second, 0, { percent: 0 }).damping, { asked: 0, used: 0 });
});

Deno.test("factorHessian() gives up on what no damping makes positive definite", () => {
  for (const percent of [0, 0.01, 10]) {
    assert.throws(
      () => factorHessian(small(1, 1e9, 1e9, 1), 0, { percent }),
      /^RangeError: Cannot factor a Hessian: it must be of second moments, which damping makes pos/,
    );
  }
});

Deno.test("factorHessian() damps on where the damped matrix is singular but for rounding", () => {
  // damped by 1 it is [[2, 2], [2, 2]]
  const { damping, upper } = factorHessian(small(1, 2, 2, 1), 0, { percent: 1 });
  assert.deepEqual(damping, { asked: 1, used: 10 });
  assert.ok(upper.every((value) => Math.abs(value) < 1));
});

Deno.test("centerHessian() is the Hessian of the inputs less their means, in every group", () => {
  const one = hessianOf(x, inputs);
  const shifted = hessianOf(x.map((value, i) => value + i % inputs), inputs);
  const both = {
    ...one,
    groups: 2,
    values: new Float64Array([...one.values, ...shifted.values]),
    mean: new Float64Array([...one.mean, ...shifted.mean]),
  };
  const centered = centerHessian(both).values;
  for (let i = 0; i < inputs * inputs; i++) {
    assert.ok(Math.abs(centered[i] - centered[inputs * inputs + i]) < 1e-5); // inputs are float32
  }
});

Deno.test("constantInputs() finds inputs that never change, and centering clears them", () => {
  const hessian = hessianOf(x.map((value, i) => [value, 3, value, 0, value][i % inputs]), inputs);
  assert.deepEqual(constantInputs(hessian), [1, 3]);
  const { values } = centerHessian(hessian);
  assert.ok([1, 3].every((i) => values.slice(i * inputs, (i + 1) * inputs).every((v) => v === 0)));
});

Deno.test("dampHessian() adds to the diagonal of each group, and to nothing else", () => {
  const one = hessianOf(x, inputs);
  const both = { ...one, groups: 2, values: new Float64Array([...one.values, ...one.values]) };
  const { values } = dampHessian(both, [2, 30]);
  values.forEach((value, at) => {
    const isDiagonal = at % (inputs * inputs) % (inputs + 1) === 0;
    const wanted = both.values[at] + (isDiagonal ? [2, 30][Math.floor(at / inputs ** 2)] : 0);
    assert.equal(value, wanted);
  });
});
