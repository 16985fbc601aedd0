import { add, affine, differentiable, fakeQuantize, fill, linear, relu } from "../autograd/mod.ts";
import type { Device, Tensor } from "../gpu/mod.ts";
import { roundHalfEven } from "../kernels/mod.ts";
import { cnn } from "./cnn.ts";
import { linearLayer } from "./linear_layer.ts";
import type { ForwardHooks, Model, ModelInput, ParameterTensors } from "./model.ts";

/** What the layer of the MNIST program does to its weights, which nothing trains. */
export type FixedKernel = "float32" | "towardZero" | "nearestEven";

/** What the layer of the CIFAR-10 program does to the activations in front of the last layer. */
export type ActivationGrid =
  | "float32"
  | "nearestEven"
  | "towardZero"
  | "nearestWithoutGradient"
  | "octalDigits";

/** A layer of the published programs, where it stands and what the images are. */
export interface OctizationProgramOptions {
  /** Channels, height and width of an image. */
  readonly inputShape: readonly [channels: number, height: number, width: number];
  /** Count of classes. */
  readonly classes: number;
  /** Bits of a magnitude, 8 in what was published. */
  readonly bits: number;
}

/** Units of the hidden layer of the MNIST program. */
const HIDDEN = 128;
/** Outputs of the layer that is not trained. */
const FIXED = 10;
/** Keras's `uniform`, of the kernel that is not trained. */
const KERNEL_BOUND = 0.05;
/** Digits of 24 bits. */
const OCTAL_DIGITS = 8;

/** Weight and bias as Keras begins with them: Glorot-uniform, and 0. */
function denseParameters(layer: string, outputs: number, inputs: number): Model["parameters"] {
  const bound = Math.sqrt(6 / (inputs + outputs));
  return [
    { name: `${layer}.weight`, shape: [outputs, inputs], bound },
    { name: `${layer}.bias`, shape: [outputs], bound: 0, initial: 0 },
  ];
}

/** `scale * x + shift`, with its gradient. */
function scaleAndShift(x: Tensor, scale: number, shift: number = 0): Tensor {
  return differentiable(affine(x, scale, shift), [x], (dy) => [affine(dy, scale, 0)]);
}

/** What the weights of the MNIST program's layer become once they are drawn. */
const INTEGERS: Readonly<Record<FixedKernel, (x: number) => number>> = {
  float32: (x) => x,
  towardZero: Math.trunc,
  nearestEven: roundHalfEven,
};

/** One number of a grid, by a kernel: a recording can hold it. */
const scalar = (device: Device, value: number): Tensor => fill(device, [1], value);

/** Rounds to multiples of 1 / levels; gradients pass straight through. */
function roundTo(x: Tensor, levels: number, rounding: "towardZero" | "nearestEven"): Tensor {
  const { device } = x;
  // float32 counts so far by ones, and no activation comes near
  const reach = 2 ** 23;
  return fakeQuantize(x, {
    scale: scalar(device, 1 / levels),
    inverseScale: scalar(device, levels),
    zeroPoint: scalar(device, 0),
    qMin: scalar(device, -reach),
    qMax: scalar(device, reach),
    inner: x.size,
    rounding,
  });
}

/**
 * The MNIST program of the published comparison: 784-128, ReLU, a layer of 10 whose weights are integers
 * and never trained, 10-10.
 *
 *     h = relu(W1 x + b1),   z = round((2^b - 1) K) h,   logits = W2 z + b2
 *
 * K stays as it was drawn, uniform in [-0.05, 0.05]: a cast to integers has no gradient. Both published arms,
 * "quantization" and "octization", cast, which truncates.
 *
 * @param options Images, classes and bits.
 * @param kernel How the weights in the middle become integers; float32 are only scaled.
 * @returns The model, initialized as Keras does.
 * @see github.com/renatokuipers/Octization-vs.-Quantization, mnist_quant_oct.py of 19cae72
 */
export function octizationOfMnist(options: OctizationProgramOptions, kernel: FixedKernel): Model {
  const { inputShape, classes, bits } = options;
  const inputs = inputShape.reduce((a, b) => a * b, 1);
  const levels = 2 ** bits - 1;
  return Object.freeze({
    kind: "octization_program",
    title:
      `MLP ${inputs}-${HIDDEN}-${FIXED}-${classes}, ${FIXED} of it fixed (${kernel}, ${bits} bits)`,
    inputShape,
    classes,
    layers: ["fc1", "fc2"],
    parameters: [
      ...denseParameters("fc1", HIDDEN, inputs),
      {
        name: "kernel",
        shape: [FIXED, HIDDEN],
        bound: KERNEL_BOUND,
        settle: (drawn: number) => INTEGERS[kernel](Math.fround(levels * drawn)),
        isBuffer: true as const,
      },
      ...denseParameters("fc2", classes, FIXED),
    ],
    forward(parameters: ParameterTensors, input: ModelInput, hooks: ForwardHooks = {}): Tensor {
      const { kernel: fixed } = parameters;
      const none = fill(fixed.device, [fixed.shape[0], FIXED], 0);
      const hidden = linearLayer("fc1", input, parameters, { relu: true }, hooks);
      const mixed = linear(hidden, fixed, none);
      return linearLayer("fc2", mixed, parameters, { relu: false }, hooks);
    },
  });
}

/**
 * Cuts what is not negative into octal digits as the published CIFAR-10 program does, which never rounds one.
 *
 *     d_i = clamp(r_i / 8^i, 0, 7),   r_0 = (2^b - 1) x,   r_i+1 = r_i - 8^i d_i
 *     y = sum over i < 8 of 10^i d_i, over 10^8 - 1
 *
 * A digit below 7 leaves nothing for those after it, so y is a line of pieces, each 10 / 8 as steep as the
 * one before: continuous, on no grid, and with a gradient everywhere.
 *
 * @param x Any shape, not negative.
 * @param levels 2^b - 1.
 * @returns The same shape; of the order of 1e-6 for x of the order of 1.
 */
export function octalDigits(x: Tensor, levels: number): Tensor {
  const r = scaleAndShift(x, levels);
  let sum = r;
  for (let i = 1; i < OCTAL_DIGITS; i++) {
    // digit i begins where all before it are 7
    const steeper = (10 / 8) ** i - (10 / 8) ** (i - 1);
    sum = add(sum, scaleAndShift(relu(scaleAndShift(r, 1, 1 - 8 ** i)), steeper));
  }
  return scaleAndShift(sum, 1 / (10 ** OCTAL_DIGITS - 1));
}

function gridOf(grid: ActivationGrid, levels: number): (x: Tensor) => Tensor {
  switch (grid) {
    case "float32":
      return (x) => x;
    case "octalDigits":
      return (x) => octalDigits(x, levels);
    case "towardZero":
      return (x) => roundTo(x, levels, "towardZero");
    case "nearestEven":
    case "nearestWithoutGradient":
      return (x) => roundTo(x, levels, "nearestEven");
  }
}

/**
 * The CIFAR-10 program of the published comparison: conv 32, conv 64, 64 units, and what happens to the
 * activations behind those before the last layer.
 *
 * Its "quantization" rounds by a function whose gradient is 0, so that only the last layer is trained
 * (`nearestWithoutGradient`); its "octization" is {@link octalDigits}. The others are what a quantizer would do,
 * rounding with straight-through gradients, and nothing.
 *
 * @param options Images, classes and bits.
 * @param grid What happens to the activations.
 * @returns The model, initialized as PyTorch does.
 * @see github.com/renatokuipers/Octization-vs.-Quantization, CIFAR-10_quant_oct.py of 19cae72
 */
export function octizationOfCifar10(
  options: OctizationProgramOptions,
  grid: ActivationGrid,
): Model {
  const { inputShape, classes, bits } = options;
  const half = new Array<number>(inputShape[0]).fill(0.5);
  const base = cnn({
    inputShape,
    classes,
    channels: [32, 64],
    hidden: [64],
    normalization: { mean: half, std: half },
  });
  const last = base.layers.at(-1)!;
  const squeeze = gridOf(grid, 2 ** bits - 1);
  return Object.freeze({
    ...base,
    kind: "octization_program",
    title: `${base.title}, ${grid} activations (${bits} bits)`,
    // what stands between the last two layers is not homogeneous
    homogeneousPairs: undefined,
    tails: undefined,
    parameters: grid === "nearestWithoutGradient"
      ? base.parameters.map((spec) =>
        spec.name.startsWith(`${last}.`) ? spec : { ...spec, isBuffer: true as const }
      )
      : base.parameters,
    forward(parameters: ParameterTensors, input: ModelInput, hooks: ForwardHooks = {}): Tensor {
      return base.forward(parameters, input, {
        ...hooks,
        layerInput(layer, x) {
          const seen = hooks.layerInput?.(layer, x) ?? x;
          return layer === last ? squeeze(seen) : seen;
        },
      });
    },
  });
}
