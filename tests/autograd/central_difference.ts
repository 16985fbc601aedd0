const STEP = 1e-6;

/** A function of named float64 tensors, such as a weighted sum of an op's outputs. */
export type Scalar = (inputs: Readonly<Record<string, Float64Array>>) => number;

/**
 * Differentiates a function by central differences.
 *
 * @param f The function.
 * @param inputs Where to differentiate.
 * @param name The input to differentiate by.
 * @returns One derivative an element of it.
 */
export function centralDifference(
  f: Scalar,
  inputs: Readonly<Record<string, Float64Array>>,
  name: string,
): Float64Array {
  return inputs[name].map((value, i) => {
    const at = (moved: number) => {
      const values = inputs[name].slice();
      values[i] = moved;
      return f({ ...inputs, [name]: values });
    };
    return (at(value + STEP) - at(value - STEP)) / (2 * STEP);
  });
}

/** Sizes of a linear layer of a population. */
export interface LinearSizes {
  readonly networks: number;
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * Applies a linear layer in float64.
 *
 * @param x `[networks, rows, inputs]`, or `[rows, inputs]` shared by all networks.
 * @param weight `[networks, outputs, inputs]`.
 * @param bias `[networks, outputs]`.
 * @param sizes The sizes.
 * @param relu Whether to rectify.
 * @returns `[networks, rows, outputs]`.
 */
export function linear64(
  x: Float64Array,
  weight: Float64Array,
  bias: Float64Array,
  { networks, rows, inputs, outputs }: LinearSizes,
  relu: boolean,
): Float64Array {
  const y = new Float64Array(networks * rows * outputs);
  const xStride = x.length === rows * inputs ? 0 : rows * inputs;
  for (let p = 0; p < networks; p++) {
    for (let r = 0; r < rows; r++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias[p * outputs + o];
        for (let i = 0; i < inputs; i++) {
          sum += x[p * xStride + r * inputs + i] * weight[(p * outputs + o) * inputs + i];
        }
        y[(p * rows + r) * outputs + o] = relu ? Math.max(sum, 0) : sum;
      }
    }
  }
  return y;
}

/**
 * Computes the cross-entropy of every row in float64.
 *
 * @param logits `[rows, classes]`.
 * @param labels One class a row; fewer are shared by several networks.
 * @param classes Count of classes.
 * @returns One loss a row, in nats.
 */
export function crossEntropy64(
  logits: Float64Array,
  labels: ArrayLike<number>,
  classes: number,
): Float64Array {
  return Float64Array.from({ length: logits.length / classes }, (_, r) => {
    const row = logits.subarray(r * classes, (r + 1) * classes);
    const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
    return Math.log(sum) - row[labels[r % labels.length]];
  });
}

/** Sum of products. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
