import { choleskyOfInverse } from "./cholesky.ts";
import { dampedFactor, type Damping } from "./damped_factor.ts";

/**
 * The second derivative of a layer's squared output error by the weights of one output, which is the
 * same for all outputs that see the same inputs.
 *
 *     H = 2 / N sum over n of x_n x_n^T
 *
 * Found from calibration activations by {@link accumulateMoments}; a method that needs it takes it as an
 * argument, so it cannot be called without calibration data.
 */
export interface LayerHessian {
  /** Groups of a convolution that each see their own inputs; 1 for other layers. */
  readonly groups: number;
  /** Weights of one output: of a linear layer its inputs, else channels / groups x height x width. */
  readonly inputs: number;
  /** N: rows of a linear layer's input, positions of a convolution's output. */
  readonly samples: number;
  /** H of each group, `[groups, inputs, inputs]`. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Mean input of each group, `[groups, inputs]`. */
  readonly mean: Float64Array<ArrayBuffer>;
}

/** Share of a second moment below which its variance is float64's rounding. */
const ROUNDING = 1e-12;

/**
 * Takes the means out of a Hessian: what is left counts only errors that a bias cannot correct.
 *
 *     H' = 2 / N sum (x_n - mu)(x_n - mu)^T = H - 2 mu mu^T
 *
 * To be used with {@link correctBias} after it. Rows and columns of inputs that never change become 0.
 *
 * @param hessian Of a layer's inputs.
 * @returns Of the same inputs less their means.
 */
export function centerHessian(hessian: LayerHessian): LayerHessian {
  const { groups, inputs, mean } = hessian;
  const values = hessian.values.slice();
  const constant = new Set(constantInputs(hessian));
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < inputs; i++) {
      const a = g * inputs + i;
      for (let j = 0; j < inputs; j++) {
        const b = g * inputs + j;
        const at = a * inputs + j;
        values[at] = constant.has(a) || constant.has(b) ? 0 : values[at] - 2 * mean[a] * mean[b];
      }
    }
  }
  return { ...hessian, values };
}

/**
 * Finds the inputs that are the same in every sample, of whose weights calibration says little.
 *
 * @param hessian Of a layer's inputs, with its means in it.
 * @returns Indices into `[groups, inputs]`.
 */
export function constantInputs({ groups, inputs, values, mean }: LayerHessian): number[] {
  return Array.from({ length: groups * inputs }, (_, a) => a).filter((a) => {
    const moment = values[a * inputs + a % inputs] / 2;
    return moment - mean[a] ** 2 <= ROUNDING * moment;
  });
}

/**
 * Adds to the diagonal of a Hessian, for methods that do not damp it themselves.
 *
 * @param hessian Of a layer.
 * @param damping What to add, one a group, in units of H.
 * @returns H + lambda I.
 */
export function dampHessian(hessian: LayerHessian, damping: readonly number[]): LayerHessian {
  const { inputs } = hessian;
  const values = hessian.values.map((value, at) => {
    const a = Math.floor(at / inputs); // group and input
    return at % inputs === a % inputs ? value + damping[Math.floor(a / inputs)] : value;
  });
  return { ...hessian, values };
}

/** The order in which a method fixes the weights of an output. */
export type ColumnOrder = "natural" | "activation";

/** How a Hessian is prepared. */
export interface DampingOptions {
  /** What is added to the diagonal, as a share of its mean; 0.01 if left out. */
  readonly percent?: number;
  /** `activation` takes the largest diagonal elements first (act-order); that if left out. */
  readonly order?: ColumnOrder;
}

/** A damped Hessian of one group, ready for the methods that spread errors. */
export interface FactoredHessian {
  /** Which input comes j-th. */
  readonly order: Int32Array<ArrayBuffer>;
  /** U of (H + lambda I)^-1 = U^T U, rows and columns in that order, `[inputs, inputs]`. */
  readonly upper: Float64Array<ArrayBuffer>;
  /** lambda. */
  readonly damping: Damping;
}

function columnOrder(diagonal: Float64Array, order: ColumnOrder): Int32Array<ArrayBuffer> {
  const natural = Int32Array.from(diagonal, (_, i) => i);
  return order === "natural" ? natural : natural.sort((a, b) => diagonal[b] - diagonal[a] || a - b);
}

/**
 * Damps the Hessian of one group until it is positive definite, and factors its inverse.
 *
 *     lambda = percent mean(diag(H)),   (H + lambda I)^-1 = U^T U
 *
 * While that has no Cholesky factor (fewer samples than inputs, or inputs that depend on each other),
 * lambda grows tenfold; the result says what it came to. An input that is always 0 is coupled to no
 * other and keeps lambda alone, so its weight is rounded to the nearest.
 *
 * @param hessian Of a layer.
 * @param group Which of its groups.
 * @param options Damping and order.
 * @returns The factor, and the damping that it took.
 * @throws {RangeError} If an element of the Hessian is not finite, one of its diagonal negative, the
 *   damping negative, or no damping is enough.
 * @see Frantar et al. 2022, arXiv:2210.17323, section 3.3
 */
export function factorHessian(
  hessian: LayerHessian,
  group: number,
  { percent = 0.01, order: kind = "activation" }: DampingOptions = {},
): FactoredHessian {
  const { inputs, values } = hessian;
  const start = group * inputs * inputs;
  const diagonal = Float64Array.from(
    { length: inputs },
    (_, i) => values[start + i * (inputs + 1)],
  );
  const order = columnOrder(diagonal, kind);
  const sorted = new Float64Array(inputs * inputs);
  const { factor: upper, damping } = dampedFactor(hessian, group, percent, (damped) => {
    order.forEach((i, a) => {
      order.forEach((j, b) => sorted[a * inputs + b] = damped[i * inputs + j]);
    });
    return choleskyOfInverse(sorted, inputs);
  });
  return { order, upper, damping };
}
