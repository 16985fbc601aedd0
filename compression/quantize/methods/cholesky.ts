/** Least pivot, as a share of its diagonal element. */
const LEAST_PIVOT = 1e-12;
/** Rows that are worked on at once: what they share is read once, and their sums do not wait for each other. */
const ROWS_AT_ONCE = 4;

/**
 * Factors a symmetric positive definite matrix, in float64.
 *
 *     A = L L^T
 *
 * A matrix counts as positive definite if every pivot L_ii^2 is more than 1e-12 A_ii: what is less is
 * the rounding of a singular one. Every element is summed in one order, whatever rows are worked on at
 * once.
 *
 * @param matrix A, row-major `[size, size]`; only its lower triangle is read.
 * @param size Rows.
 * @returns L, lower triangular `[size, size]`, or `undefined` if A is not positive definite.
 * @see Golub and Van Loan 2013, Matrix Computations, section 4.2
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { cholesky } from "./cholesky.ts";
 *
 * assert.deepEqual([...cholesky(new Float64Array([4, 2, 2, 5]), 2)!], [2, 0, 1, 2]);
 * assert.equal(cholesky(new Float64Array([1, 2, 2, 1]), 2), undefined); // eigenvalues 3 and -1
 * ```
 */
export function cholesky(
  matrix: Float64Array,
  size: number,
): Float64Array<ArrayBuffer> | undefined {
  const lower = new Float64Array(size * size);
  for (let first = 0; first < size; first += ROWS_AT_ONCE) {
    const end = Math.min(first + ROWS_AT_ONCE, size);
    const isWhole = end - first === ROWS_AT_ONCE;
    if (isWhole) factorLeft(matrix, lower, size, first);
    for (let i = first; i < end; i++) {
      const row = i * size;
      for (let j = isWhole ? first : 0; j <= i; j++) {
        const other = j * size;
        let sum = matrix[row + j];
        for (let k = 0; k < j; k++) sum -= lower[row + k] * lower[other + k];
        if (j < i) lower[row + j] = sum / lower[other + j];
        else if (sum > LEAST_PIVOT * matrix[row + i] && sum < Infinity) {
          lower[row + i] = Math.sqrt(sum);
        } else return undefined;
      }
    }
  }
  return lower;
}

/** Finds four rows of L as far as the columns in front of their own. */
function factorLeft(matrix: Float64Array, lower: Float64Array, size: number, first: number): void {
  const [a, b, c, d] = [0, 1, 2, 3].map((row) => (first + row) * size);
  for (let j = 0; j < first; j++) {
    const other = j * size;
    let [sumA, sumB, sumC, sumD] = [matrix[a + j], matrix[b + j], matrix[c + j], matrix[d + j]];
    for (let k = 0; k < j; k++) {
      const factor = lower[other + k];
      sumA -= lower[a + k] * factor;
      sumB -= lower[b + k] * factor;
      sumC -= lower[c + k] * factor;
      sumD -= lower[d + k] * factor;
    }
    const pivot = lower[other + j];
    lower[a + j] = sumA / pivot;
    lower[b + j] = sumB / pivot;
    lower[c + j] = sumC / pivot;
    lower[d + j] = sumD / pivot;
  }
}

/** The inverse of a lower triangular matrix, which is one too. */
function invertLower(lower: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const row = i * size;
    let k = 0;
    for (; k + ROWS_AT_ONCE <= i; k += ROWS_AT_ONCE) {
      subtractFour(inverse, size, row, k, lower);
    }
    for (; k < i; k++) {
      const factor = lower[row + k];
      const other = k * size;
      for (let j = 0; j <= k; j++) inverse[row + j] -= factor * inverse[other + j];
    }
    const pivot = 1 / lower[row + i];
    for (let j = 0; j < i; j++) inverse[row + j] *= pivot;
    inverse[row + i] = pivot;
  }
  return inverse;
}

/** Takes four rows k ... k + 3 of the inverse, times their factors, off the one that begins at `row`. */
function subtractFour(
  inverse: Float64Array,
  size: number,
  row: number,
  k: number,
  lower: Float64Array,
): void {
  const [a, b, c, d] = [0, 1, 2, 3].map((one) => (k + one) * size);
  const [ofA, ofB, ofC, ofD] = [0, 1, 2, 3].map((one) => lower[row + k + one]);
  // above the diagonal the inverse is 0
  for (let j = 0; j <= k + 3; j++) {
    inverse[row + j] = inverse[row + j] - ofA * inverse[a + j] - ofB * inverse[b + j] -
      ofC * inverse[c + j] - ofD * inverse[d + j];
  }
}

/**
 * Factors the inverse of a symmetric positive definite matrix, without forming the inverse.
 *
 *     A^-1 = U^T U,   U upper triangular
 *
 * Row j of U is what GPTQ spreads the error of column j by. With the rows and columns of A reversed,
 * J A J = L L^T, so A = (J L J)(J L J)^T and U = J L^-1 J: one factoring and one triangular inverse.
 *
 * @param matrix A, row-major `[size, size]`, symmetric.
 * @param size Rows.
 * @returns U `[size, size]`, or `undefined` if A is not positive definite.
 * @see Frantar et al. 2022, arXiv:2210.17323, section 3.3 (step 3)
 */
export function choleskyOfInverse(
  matrix: Float64Array,
  size: number,
): Float64Array<ArrayBuffer> | undefined {
  const lower = cholesky(matrix.slice().reverse(), size);
  return lower && invertLower(lower, size).reverse();
}

/**
 * Solves A x = b for many right-hand sides.
 *
 * @param lower L of A = L L^T, from {@link cholesky}.
 * @param size Rows of A.
 * @param rows Right-hand sides, one after the other: `[count, size]`.
 * @returns Solutions `[count, size]`.
 */
export function solveCholesky(
  lower: Float64Array,
  size: number,
  rows: Float64Array,
): Float64Array<ArrayBuffer> {
  const x = Float64Array.from(rows);
  for (let start = 0; start < x.length; start += size) {
    for (let i = 0; i < size; i++) {
      let sum = x[start + i];
      for (let k = 0; k < i; k++) sum -= lower[i * size + k] * x[start + k];
      x[start + i] = sum / lower[i * size + i];
    }
    for (let i = size - 1; i >= 0; i--) {
      const value = x[start + i] / lower[i * size + i];
      x[start + i] = value;
      for (let k = 0; k < i; k++) x[start + k] -= lower[i * size + k] * value;
    }
  }
  return x;
}
