import { UserError } from "../formats/mod.ts";
import { cnn, type CnnOptions } from "./cnn.ts";
import { fcNN } from "./fc_nn.ts";
import type { Model } from "./model.ts";
import {
  type ActivationGrid,
  type FixedKernel,
  octizationOfCifar10,
  octizationOfMnist,
} from "./octization_programs.ts";
import { resnet } from "./resnet.ts";

/** The images and classes of a data set. */
export interface ImageForm {
  /** Channels, height and width of an image. */
  readonly inputShape: readonly [channels: number, height: number, width: number];
  /** Count of classes. */
  readonly classes: number;
}

/** A fully connected network, ReLU between its layers; frozen data, part of a trial. */
export interface FcNNSpec {
  /** Tells it from other architectures. */
  readonly kind: "fc_nn";
  /** Units of each hidden layer, first to last. */
  readonly hidden: readonly number[];
  /** The only images and classes that it is made for; it fits itself to any if left out. */
  readonly madeFor?: ImageForm;
}

/** A small convolutional network: convolution, ReLU and 2x2 max-pool, repeated, then linear layers. */
export interface CnnSpec extends Omit<CnnOptions, "inputShape" | "classes"> {
  /** Tells it from other architectures. */
  readonly kind: "cnn";
  /** Output channels of each convolution, first to last. */
  readonly channels: readonly number[];
  /** The only images and classes that it is made for; it fits itself to any if left out. */
  readonly madeFor?: ImageForm;
}

/** A residual network for small images; frozen data, part of a trial. */
export interface ResnetSpec {
  /** Tells it from other architectures. */
  readonly kind: "resnet";
  /** Layers with weights: 6 n + 2. */
  readonly depth: number;
  /** The only images and classes that it is made for; it fits itself to any if left out. */
  readonly madeFor?: ImageForm;
}

/** A network of the published comparison of octization with quantization; frozen data, part of a trial. */
export interface OctizationProgramSpec {
  /** Tells it from other architectures. */
  readonly kind: "octization_program";
  /** Which of its two programs, and what that one's layer does. */
  readonly layer:
    | { readonly of: "mnist"; readonly kernel: FixedKernel }
    | { readonly of: "cifar10"; readonly activations: ActivationGrid };
  /** Bits of a magnitude. */
  readonly bits: number;
  /** The only images and classes that it is made for; it fits itself to any if left out. */
  readonly madeFor?: ImageForm;
}

/** An architecture whose sizes a person may choose. */
export type SizedSpec = FcNNSpec | CnnSpec | ResnetSpec;

/** The architecture of a network. */
export type ModelSpec = SizedSpec | OctizationProgramSpec;

/** Names that the command line knows architectures by. */
export type ModelName =
  | "fc_nn"
  | "mlp_128"
  | "lenet_300_100"
  | "cnn"
  | "lenet_5"
  | "cnn_282k"
  | "resnet20"
  | "resnet32"
  | "resnet44"
  | "resnet56";

const MNIST: ImageForm = { inputShape: [1, 28, 28], classes: 10 };
const CIFAR10: ImageForm = { inputShape: [3, 32, 32], classes: 10 };

/** Mean and deviation of CIFAR-10's training pixels, by channel. */
const CIFAR10_PIXELS = {
  mean: [0.49139968, 0.48215841, 0.44653091],
  std: [0.24703223, 0.24348513, 0.26158784],
};

/**
 * Architectures by the name that the command line takes, each with its usual widths.
 *
 * `fc_nn` and `cnn` fit themselves to any images; the others are those of the literature, and have the
 * count of parameters that they are known by.
 */
export const MODELS: Readonly<Record<ModelName, SizedSpec>> = {
  fc_nn: { kind: "fc_nn", hidden: [64, 32] },
  mlp_128: { kind: "fc_nn", hidden: [128], madeFor: MNIST },
  lenet_300_100: { kind: "fc_nn", hidden: [300, 100], madeFor: MNIST },
  cnn: { kind: "cnn", channels: [16, 32] },
  lenet_5: {
    kind: "cnn",
    channels: [20, 50],
    kernel: 5,
    padding: 0,
    rectified: false,
    hidden: [500],
    madeFor: MNIST,
  },
  cnn_282k: {
    kind: "cnn",
    channels: [32, 64],
    hidden: [64],
    normalization: CIFAR10_PIXELS,
    madeFor: CIFAR10,
  },
  resnet20: { kind: "resnet", depth: 20, madeFor: CIFAR10 },
  resnet32: { kind: "resnet", depth: 32, madeFor: CIFAR10 },
  resnet44: { kind: "resnet", depth: 44, madeFor: CIFAR10 },
  resnet56: { kind: "resnet", depth: 56, madeFor: CIFAR10 },
};

function build(spec: ModelSpec, { inputShape, classes }: ImageForm): Model {
  switch (spec.kind) {
    case "fc_nn":
      return fcNN({ inputShape, hidden: spec.hidden, classes });
    case "cnn": {
      const { kind: _kind, madeFor: _madeFor, ...options } = spec;
      return cnn({ ...options, inputShape, classes });
    }
    case "resnet":
      return resnet({ depth: spec.depth, inputShape, classes });
    case "octization_program": {
      const { layer, bits } = spec;
      const options = { inputShape, classes, bits };
      return layer.of === "mnist"
        ? octizationOfMnist(options, layer.kernel)
        : octizationOfCifar10(options, layer.activations);
    }
  }
}

function describe({ inputShape, classes }: ImageForm): string {
  return `images of ${inputShape.join(" x ")} in ${classes} classes`;
}

/**
 * Makes a model from frozen data.
 *
 * @param spec The architecture.
 * @param inputShape Channels, height and width of an image.
 * @param classes Count of classes.
 * @returns The model.
 * @throws {UserError} If it is made for other images or another count of classes.
 * @throws {RangeError} If a width is not a whole number of at least 1, or images are too small.
 */
export function createModel(
  spec: ModelSpec,
  inputShape: readonly [number, number, number],
  classes: number,
): Model {
  const form = { inputShape, classes };
  const { madeFor } = spec;
  if (madeFor !== undefined && describe(madeFor) !== describe(form)) {
    throw new UserError(
      `Cannot use ${build(spec, madeFor).title}: it is made for ${
        describe(madeFor)
      }: the data set ` +
        `has ${describe(form)}`,
    );
  }
  return build(spec, form);
}
