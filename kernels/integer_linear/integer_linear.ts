import { defineKernels, type KernelCase, type Kernels, type Numbers } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { generateCodes } from "./generate_codes.ts";
import source from "./integer_linear.wgsl" with { type: "text" };

/** Sizes of an integer linear layer. */
export interface IntegerLinearShape {
  /** Networks side by side; 1 if left out. */
  readonly networks?: number;
  /** Rows of each network. */
  readonly rows: number;
  /** Numbers in a row of `x`. */
  readonly inputs: number;
  /** Numbers in a row of `y`. */
  readonly outputs: number;
  /** All networks read the same `x`. */
  readonly sharedInput?: boolean;
}

/** Rows and outputs of an invocation, the shader's `TILE`. */
const TILE = 4;

/**
 * Gives the params of the integer linear kernel.
 *
 * @param shape Sizes in elements.
 * @returns What the kernel takes.
 */
export function integerLinearParams(shape: IntegerLinearShape): Numbers {
  const { networks = 1, rows, inputs, outputs, sharedInput = false } = shape;
  const xStride = sharedInput || networks === 1 ? 0 : rows * inputs;
  return { networks, rows, inputs, outputs, xStride };
}

/**
 * Chooses how the integer linear kernel loads.
 *
 * @param params Of the layer.
 * @returns Constants.
 */
export function chooseIntegerLinear({ inputs }: Numbers): Numbers {
  return { ALIGNED: inputs % 4 === 0 ? 1 : 0 };
}

function linearCase(shape: IntegerLinearShape): KernelCase {
  const params = integerLinearParams(shape);
  return { params, constants: chooseIntegerLinear(params) };
}

/** A linear layer on integer codes with int32 accumulators. */
export const integerLinearKernels: Kernels<"forward"> = defineKernels({
  name: "integer_linear",
  file: "kernels/integer_linear/integer_linear.wgsl",
  source,
  params: { networks: "u32", rows: "u32", inputs: "u32", outputs: "u32", xStride: "u32" },
  constants: { ALIGNED: 0, WORKGROUP_X: 4, WORKGROUP_Y: 16 },
  lengths: ({ networks, rows, inputs, outputs, xStride }) => ({
    x: (networks - 1) * xStride + rows * inputs,
    weight: networks * outputs * inputs,
    bias: networks * outputs,
    xZero: networks,
    weightZero: networks * outputs,
    y: networks * rows * outputs,
  }),
  entries: {
    forward: {
      reads: ["x", "weight", "bias", "xZero", "weightZero"],
      writes: ["y"],
      flops: ({ networks, rows, inputs, outputs }) => 2 * networks * rows * inputs * outputs,
      loopIterations: ({ inputs }) => Math.ceil(inputs / 4),
    },
  },
  workgroups: ({ networks, rows, outputs }, { WORKGROUP_X, WORKGROUP_Y }) => [
    Math.ceil(outputs / TILE / WORKGROUP_X),
    Math.ceil(rows / TILE / WORKGROUP_Y),
    networks,
  ],
  tolerance: "exact",
  generate: generateCodes,
  reference({ x, weight, bias, xZero, weightZero }, p) {
    const y = new Float64Array(p.networks * p.rows * p.outputs);
    for (let i = 0; i < y.length; i++) {
      const network = Math.floor(i / (p.rows * p.outputs));
      const kernel = network * p.outputs + i % p.outputs;
      const from = network * p.xStride + Math.floor(i / p.outputs) % p.rows * p.inputs;
      let sum = bias[kernel];
      for (let k = 0; k < p.inputs; k++) {
        const w = weight[kernel * p.inputs + k] - weightZero[kernel];
        sum += (x[from + k] - xZero[network]) * w;
      }
      y[i] = sum;
    }
    return { y };
  },
  cases: [
    linearCase({ rows: 1, inputs: 1, outputs: 1 }),
    linearCase({ rows: 5, inputs: 7, outputs: 6 }),
    linearCase({ rows: 33, inputs: 784, outputs: 64 }),
    linearCase({ rows: 9, inputs: 32, outputs: 10, networks: 3 }),
    linearCase({ rows: 6, inputs: 13, outputs: 9, networks: 2, sharedInput: true }),
    linearCase({ rows: 2, inputs: 9001, outputs: 3 }),
  ],
  randomCase: (random) =>
    linearCase({
      networks: randomInteger(random, 1, 3),
      rows: randomInteger(random, 1, 20),
      inputs: randomInteger(random, 1, 60),
      outputs: randomInteger(random, 1, 30),
      sharedInput: random() < 0.5,
    }),
  benchCases: [linearCase({ rows: 4096, inputs: 784, outputs: 64 })],
});
