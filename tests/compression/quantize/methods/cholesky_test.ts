import assert from "node:assert/strict";
import {
  cholesky,
  choleskyOfInverse,
  solveCholesky,
} from "../../../../compression/quantize/methods/cholesky.ts";
import { randomInteger, randomSource } from "../../../../kernels/mod.ts";
import fc from "../../../support/fast_check.ts";
import { correlatedInputs, hessianOf } from "./random_hessian.ts";

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    let sum = 0;
    for (let k = 0; k < size; k++) sum += a[i * size + k] * b[k * size + j];
    return sum;
  });
}

function transpose(a: Float64Array, size: number): Float64Array {
  return a.map((_, at) => a[at % size * size + Math.floor(at / size)]);
}

function assertClose(found: Float64Array, wanted: Float64Array, tolerance: number): void {
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - wanted[i]) <= tolerance, `${i}: ${value} is not ${wanted[i]}`);
  });
}

const identity = (size: number) =>
  Float64Array.from({ length: size * size }, (_, at) => at % (size + 1) === 0 ? 1 : 0);

const positiveDefinite = fc.integer({ min: 1, max: 2 ** 20 }).map((seed) => {
  const size = randomInteger(randomSource(seed), 1, 12);
  return { size, matrix: hessianOf(correlatedInputs(3 * size + 5, size, seed), size).values };
});

Deno.test("cholesky() gives a lower triangle whose square is the matrix", () => {
  fc.assert(fc.property(positiveDefinite, ({ size, matrix }) => {
    const lower = cholesky(matrix, size)!;
    assertClose(product(lower, transpose(lower, size), size), matrix, 1e-12);
    assert.ok(lower.every((value, at) => at % size <= Math.floor(at / size) || value === 0));
  }));
});

Deno.test("cholesky() refuses what is not positive definite", () => {
  for (const matrix of [[0], [-1], [NaN], [Infinity]]) {
    assert.equal(cholesky(new Float64Array(matrix), 1), undefined);
  }
  assert.equal(cholesky(new Float64Array([1, 1, 1, 1]), 2), undefined);
});

Deno.test("cholesky() refuses a singular matrix whose last pivot is only rounding", () => {
  const singular = new Float64Array([2, 2, 2, 2]);
  assert.ok(2 - (2 / Math.sqrt(2)) ** 2 > 0); // its last pivot in float64
  assert.equal(cholesky(singular, 2), undefined);
  assert.equal(choleskyOfInverse(singular, 2), undefined);
  assert.equal(cholesky(singular.map((value) => value * 1e-200), 2), undefined);
  assert.notEqual(cholesky(new Float64Array([1, 0, 0, 1e-15]), 2), undefined); // small, not singular
});

Deno.test("choleskyOfInverse() gives an upper triangle whose square is the inverse", () => {
  fc.assert(fc.property(positiveDefinite, ({ size, matrix }) => {
    const upper = choleskyOfInverse(matrix, size)!;
    const inverse = product(transpose(upper, size), upper, size);
    assertClose(product(matrix, inverse, size), identity(size), 1e-10);
    assert.ok(upper.every((value, at) => at % size >= Math.floor(at / size) || value === 0));
  }));
});

Deno.test("solveCholesky() solves for every right-hand side", () => {
  fc.assert(fc.property(positiveDefinite, ({ size, matrix }) => {
    const rows = Float64Array.from({ length: 2 * size }, (_, i) => Math.sin(i));
    const x = solveCholesky(cholesky(matrix, size)!, size, rows);
    for (let start = 0; start < x.length; start += size) {
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let j = 0; j < size; j++) sum += matrix[i * size + j] * x[start + j];
        assert.ok(Math.abs(sum - rows[start + i]) < 1e-10);
      }
    }
  }));
});
