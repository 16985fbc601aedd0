import assert from "node:assert/strict";
import {
  centerCross,
  centerHessian,
  correctBias,
  type CrossMoments,
  matchTarget,
} from "../../../../compression/mod.ts";
import { correlatedInputs, hessianOf, normals } from "./random_hessian.ts";

const [rows, inputs, samples] = [4, 7, 300];
const weight = normals(rows * inputs, 1);
const x = correlatedInputs(samples, inputs, 2);
const other = x.map((v, i) => 1.3 * v + 0.3 * Math.sin(i) + 0.5);

function crossOf(from: Float32Array, to: Float32Array): CrossMoments {
  const values = new Float64Array(inputs * inputs);
  const mean = new Float64Array(inputs);
  for (let n = 0; n < samples; n++) {
    for (let i = 0; i < inputs; i++) {
      mean[i] += from[n * inputs + i] / samples;
      for (let j = 0; j < inputs; j++) {
        values[i * inputs + j] += 2 / samples * from[n * inputs + i] * to[n * inputs + j];
      }
    }
  }
  return { values, mean };
}

/** Mean squared distance of W x' from T x over the samples, and each output's mean distance. */
function distance(target: Float32Array, bias = new Float32Array(rows)) {
  const offsets = new Float64Array(rows);
  let error = 0;
  for (let n = 0; n < samples; n++) {
    for (let row = 0; row < rows; row++) {
      let difference = -bias[row];
      for (let i = 0; i < inputs; i++) {
        difference += weight[row * inputs + i] * other[n * inputs + i] -
          target[row * inputs + i] * x[n * inputs + i];
      }
      error += difference ** 2 / samples;
      offsets[row] += difference / samples;
    }
  }
  return { error, offsets };
}

Deno.test("matchTarget() gives the weight back where both networks give the same inputs", () => {
  const { target } = matchTarget(weight, [rows, inputs], hessianOf(x, inputs), crossOf(x, x));
  target.forEach((v, i) => assert.ok(Math.abs(v - weight[i]) < 1e-5));
});

Deno.test("matchTarget() is the least-squares solution", () => {
  const { target: found, damping } = matchTarget(
    weight,
    [rows, inputs],
    hessianOf(x, inputs),
    crossOf(other, x),
    0,
  );
  assert.deepEqual(damping, [{ asked: 0, used: 0 }]);
  const least = distance(found).error;
  assert.ok(least < 0.9 * distance(weight).error);
  for (let i = 0; i < found.length; i++) {
    for (const step of [-0.01, 0.01]) {
      assert.ok(distance(found.with(i, found[i] + step)).error > least);
    }
  }
});

Deno.test("matchTarget() leaves weights of inputs that never change, whatever rounding left of them", () => {
  const constant = 3;
  const still = x.map((v, i) => i % inputs === constant ? 30 : v);
  const hessian = hessianOf(still, inputs);
  const exact = crossOf(other, still);
  // products that were summed in float32
  const cross = { ...exact, values: exact.values.map((v, i) => v * (1 + 1e-5 * Math.sin(i))) };
  const centered = centerHessian(hessian);
  const { target } = matchTarget(weight, [rows, inputs], centered, centerCross(cross, hessian));
  for (let at = constant; at < weight.length; at += inputs) {
    assert.ok(Math.abs(target[at] - weight[at]) < 1e-6, `${target[at]} of ${weight[at]}`);
  }
});

Deno.test("matchTarget() stays nearer to the weight the more it is damped", () => {
  const distances = [0, 0.1, 10].map((percent) => {
    const hessian = hessianOf(x, inputs);
    const { target } = matchTarget(weight, [rows, inputs], hessian, crossOf(other, x), percent);
    return target.reduce((sum, v, i) => sum + (v - weight[i]) ** 2, 0);
  });
  assert.ok(distances[0] > distances[1] && distances[1] > distances[2], `${distances}`);
});

Deno.test("matchTarget() says what it damped by where the inputs depend on each other", () => {
  const copied = x.map((v, i) => i % inputs === 3 ? x[i - 1] : v);
  const hessian = hessianOf(copied, inputs);
  const [shape, cross] = [[rows, inputs], crossOf(other, copied)];
  const { target, damping } = matchTarget(weight, shape, hessian, cross, 0);
  assert.equal(damping[0].asked, 0);
  assert.ok(damping[0].used > 0);
  assert.ok(target.every((value) => Math.abs(value) < 100), `${target}`);
});

Deno.test("matchTarget() refuses numbers that are not finite, and moments of another layer", () => {
  const [hessian, cross] = [hessianOf(x, inputs), crossOf(other, x)];
  const call = (w: Float32Array, h: typeof hessian, c: CrossMoments) => () =>
    matchTarget(w, [rows, inputs], h, c);
  assert.throws(
    call(weight.with(2, NaN), hessian, cross),
    new RangeError("Cannot match a target: the weight must be finite: element 2 is NaN"),
  );
  assert.throws(
    call(weight, { ...hessian, values: hessian.values.with(1, Infinity) }, cross),
    new RangeError("Cannot factor a Hessian: its elements must be finite: element 1 is Infinity"),
  );
  assert.throws(
    call(weight, hessian, { ...cross, values: cross.values.with(4, NaN) }),
    new RangeError("Cannot match a target: cross moments must be finite: element 4 is NaN"),
  );
  assert.throws(
    call(weight, hessian, { ...cross, values: cross.values.slice(1) }),
    new RangeError(
      "Cannot match a target: cross moments must be of 1 groups of 7 inputs: there are 48 products",
    ),
  );
});

Deno.test("centered moments and a corrected bias beat what weights alone can match", () => {
  const hessian = hessianOf(x, inputs);
  const cross = crossOf(other, x);
  const { target: plain } = matchTarget(weight, [rows, inputs], hessian, cross, 0);
  const centered = centerCross(cross, hessian);
  const shifted = centerHessian(hessian);
  const { target: found } = matchTarget(weight, [rows, inputs], shifted, centered, 0);
  const means = { original: cross.mean, quantized: hessian.mean };
  const bias = correctBias(new Float32Array(rows), weight, found, means);
  const { error, offsets } = distance(found, bias);
  assert.ok(error < distance(plain).error);
  assert.ok(offsets.every((offset) => Math.abs(offset) < 1e-5));
});

Deno.test("correctBias() sees the inputs of each group", () => {
  const [w, q] = [new Float32Array([1, 2, 3, 4]), new Float32Array([1, 1, 4, 4])];
  const bias = correctBias(new Float32Array([10, 20]), w, q, {
    original: new Float64Array([1, 2, 3, 4]),
  });
  assert.deepEqual([...bias], [12, 17]);
});

Deno.test("correctBias() refuses means of another layer", () => {
  assert.throws(
    () => correctBias(new Float32Array(2), weight, weight, { original: new Float64Array(5) }),
    /Cannot correct 2 biases: weights must be 2 rows, and means one an input: there are 28/,
  );
});
