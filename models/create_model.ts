import { cnn } from "./cnn.ts";
import { fcNN } from "./fc_nn.ts";
import type { Model } from "./model.ts";

/** A fully connected network, ReLU between its layers; frozen data, part of a trial. */
export interface FcNNSpec {
  /** Tells it from other architectures. */
  readonly kind: "fc_nn";
  /** Units of each hidden layer, first to last. */
  readonly hidden: readonly number[];
}

/** A small convolutional network: 3x3 convolution, ReLU and 2x2 max-pool, repeated, then linear. */
export interface CnnSpec {
  /** Tells it from other architectures. */
  readonly kind: "cnn";
  /** Output channels of each convolution, first to last. */
  readonly channels: readonly number[];
}

/** The architecture of a network. */
export type ModelSpec = FcNNSpec | CnnSpec;

/** Architectures by the name that the command line takes, each with its usual widths. */
export const MODELS: Readonly<Record<ModelSpec["kind"], ModelSpec>> = {
  fc_nn: { kind: "fc_nn", hidden: [64, 32] },
  cnn: { kind: "cnn", channels: [16, 32] },
};

/**
 * Makes a model from frozen data.
 *
 * @param spec The architecture.
 * @param inputShape Channels, height and width of an image.
 * @param classes Count of classes.
 * @returns The model.
 * @throws {RangeError} If a width is not a whole number of at least 1, or images are too small.
 */
export function createModel(
  spec: ModelSpec,
  inputShape: readonly [number, number, number],
  classes: number,
): Model {
  switch (spec.kind) {
    case "fc_nn":
      return fcNN({ inputShape, hidden: spec.hidden, classes });
    case "cnn":
      return cnn({ inputShape, channels: spec.channels, classes });
  }
}
