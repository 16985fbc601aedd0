import { backward, crossEntropy } from "../autograd/mod.ts";
import {
  type Device,
  read,
  readAll,
  record,
  reshape,
  run,
  slice,
  tensor,
  zeros,
} from "../gpu/mod.ts";
import { type ResidentImages, uploadImages } from "../data/mod.ts";
import { accuracyKernels, trainingClockKernels } from "../kernels/mod.ts";
import {
  cnn,
  fcNN,
  type HostParameters,
  type Model,
  type ModelInput,
  uploadParameters,
  zeroParameters,
} from "../models/mod.ts";
import { adam, stepTable } from "../training/mod.ts";
import { optimizerState, optimizerStep } from "../training/optimizer.ts";
import type { OurWork, Prepare } from "./our_side.ts";
import { ADAM, type Inputs, parameterNames, type Params } from "./peers/workloads.ts";

/** Steps with a row of Adam's numbers of their own; its corrections are 1 in float32 long before. */
const TABLE_STEPS = 20_000;
/** Losses that the GPU keeps. */
const LOG_CAPACITY = 512;

function hostParameters(inputs: Inputs): HostParameters {
  return Object.fromEntries(parameterNames(inputs).map((name) => [name, inputs[name].data]));
}

/** How our side holds the images: the floats of the peers, or the bytes they are multiples of. */
export type ImagesAs = "floats" | "bytes";

/** The images as a resident set of bytes, as MNIST is held; pixels are multiples of 1/255. */
function residentBytes(device: Device, { images, labels }: Inputs): ResidentImages {
  return uploadImages(device, {
    images: Uint8Array.from(images.data, (value) => Math.round(255 * value)),
    labels: Uint8Array.from(labels.data),
    count: labels.data.length,
    channels: 1,
    height: 28,
    width: 28,
  });
}

/** Gives the images from `start` on, as a model takes them. */
function imageParts(
  device: Device,
  inputs: Inputs,
  as: ImagesAs,
): (start: number, count: number) => ModelInput {
  const all = inputs.labels.data.length;
  const pixels = inputs.images.data.length / all;
  if (as === "floats") {
    const images = tensor(device, inputs.images.data);
    return (start, count) => slice(images, start * pixels, [1, count, pixels]);
  }
  const source = residentBytes(device, inputs);
  const rows = tensor(device, Uint32Array.from({ length: all }, (_, i) => i));
  return (start, count) => ({ source, rows: slice(rows, start, [1, count]) });
}

/** One step of Adam on one fixed batch, recorded. */
function prepareTraining(
  device: Device,
  model: Model,
  { batch, steps }: Params,
  inputs: Inputs,
  as: ImagesAs,
): OurWork {
  const images = imageParts(device, inputs, as)(0, batch);
  const labels = tensor(device, Uint32Array.from(inputs.labels.data));
  const parameters = uploadParameters(device, model, [hostParameters(inputs)]);
  const gradients = zeroParameters(device, model, 1);
  const optimizer = adam(ADAM);
  const state = optimizerState(device, optimizer, parameters.trainable.size);
  const table = tensor(device, stepTable(optimizer, { kind: "constant" }, TABLE_STEPS));
  const clock = tensor(device, new Uint32Array([0]));
  const lossLog = zeros(device, [LOG_CAPACITY]);
  const into = new Map(
    Object.entries(parameters.tensors).map(([name, t]) => [t, gradients.tensors[name]]),
  );
  const program = record(device, () => {
    const losses = crossEntropy(model.forward(parameters.tensors, images), labels);
    backward(losses, Object.values(parameters.tensors), { into });
    optimizerStep(optimizer, {
      parameter: parameters.trainable,
      gradient: gradients.trainable,
      state,
      clock,
      table,
    });
    run(trainingClockKernels.advance, { losses, clock, lossLog }, {
      networks: 1,
      batch,
      capacity: LOG_CAPACITY,
    });
  });
  return {
    repeat: (times) => program.run(times),
    outputs: async () => {
      program.run(steps);
      return { losses: (await read(lossLog)).subarray(0, steps) };
    },
  };
}

/**
 * Makes what prepares training steps of FC_NN 784-64-32-10.
 *
 * @param as How the images are held.
 * @returns Prepares the work of `fc_nn_step`; its output is `losses` [steps].
 */
export function fcNNStep(as: ImagesAs): Prepare {
  return (device, params, inputs) => prepareTraining(device, fcNN(), params, inputs, as);
}

/**
 * Makes what prepares training steps of the small CNN.
 *
 * @param as How the images are held.
 * @returns Prepares the work of `cnn_step`; its output is `losses` [steps].
 */
export function cnnStep(as: ImagesAs): Prepare {
  return (device, params, inputs) => prepareTraining(device, cnn(), params, inputs, as);
}

/** Images of one pass; a multiple of 64, so that every part starts where WebGPU can bind. */
const CHUNK = 2048;

/**
 * Makes what prepares the evaluation of FC_NN 784-64-32-10, or of several at once.
 *
 * @param as How the images are held.
 * @param networks Variants in the same dispatches, each with weights of its own; all hold the
 *   workload's numbers, so that each must give the workload's results.
 * @returns Prepares the work of `fc_nn_evaluation`; its outputs are `loss` [1] and `correct` [1], means
 *   over variants.
 */
export function fcNNEvaluation(as: ImagesAs, networks: number = 1): Prepare {
  return (device, params, inputs) => prepareEvaluation(device, params, inputs, as, networks);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function prepareEvaluation(
  device: Device,
  params: Params,
  inputs: Inputs,
  as: ImagesAs,
  networks: number,
): OurWork {
  const model = fcNN();
  const { classes } = model;
  const images = imageParts(device, inputs, as);
  const labels = tensor(device, Uint32Array.from(inputs.labels.data));
  const all = Array.from({ length: networks }, () => hostParameters(inputs));
  const { tensors } = uploadParameters(device, model, all);
  const counts = zeros(device, [networks, 1 + classes], "u32");
  const lossSums = zeros(device, [networks]);
  const program = record(device, () => {
    for (let start = 0; start < params.images; start += CHUNK) {
      const labelRows = Math.min(CHUNK, params.images - start);
      const rows = networks * labelRows;
      const partLabels = slice(labels, start, [labelRows]);
      const logits = reshape(model.forward(tensors, images(start, labelRows)), [rows, classes]);
      const sizes = { rows, classes, labelRows, networks };
      const { predictionsOut: predictions, lossesOut: losses } = run(
        accuracyKernels.predict,
        { logits, labels: partLabels },
        sizes,
      );
      const given = { predictions, labels: partLabels, losses, counts, lossSums };
      run(accuracyKernels.count, given, sizes);
    }
  });
  return {
    // counts and sums only grow from here on; the outputs are read before
    repeat: (times) => program.run(times),
    outputs: async () => {
      program.run();
      const [found, sums] = await readAll([counts, lossSums]);
      const correct = Array.from({ length: networks }, (_, p) => found[p * (1 + classes)]);
      return { loss: [mean(Array.from(sums)) / params.images], correct: [mean(correct)] };
    },
    variants: networks,
  };
}
