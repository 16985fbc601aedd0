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
import { accuracyKernels, trainingClockKernels } from "../kernels/mod.ts";
import {
  cnn,
  fcNN,
  type HostParameters,
  type Model,
  uploadParameters,
  zeroParameters,
} from "../models/mod.ts";
import { adam, stepTable } from "../training/mod.ts";
import { optimizerState, optimizerStep } from "../training/optimizer.ts";
import type { OurWork } from "./our_side.ts";
import { ADAM, type Inputs, parameterNames, type Params } from "./peers/workloads.ts";

/** Steps with a row of Adam's numbers of their own; its corrections are 1 in float32 long before. */
const TABLE_STEPS = 20_000;
/** Losses that the GPU keeps. */
const LOG_CAPACITY = 512;

function hostParameters(inputs: Inputs): HostParameters {
  return Object.fromEntries(parameterNames(inputs).map((name) => [name, inputs[name].data]));
}

/** One step of Adam on one fixed batch of floats, recorded. */
function prepareTraining(
  device: Device,
  model: Model,
  { batch, steps }: Params,
  inputs: Inputs,
): OurWork {
  const pixels = inputs.images.data.length / batch;
  const images = tensor(device, inputs.images.data, [1, batch, pixels]);
  const labels = tensor(device, Uint32Array.from(inputs.labels.data));
  const parameters = uploadParameters(device, model, [hostParameters(inputs)]);
  const gradients = zeroParameters(device, model, 1);
  const optimizer = adam(ADAM);
  const state = optimizerState(device, optimizer, parameters.flat.size);
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
      parameter: parameters.flat,
      gradient: gradients.flat,
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
 * Prepares training steps of FC_NN 784-64-32-10.
 *
 * @param device Where to run.
 * @param params `batch`, and `steps`: how many losses the outputs hold.
 * @param inputs Images, labels and initial weights.
 * @returns The work; its output is `losses` [steps].
 */
export function prepareFcNNStep(device: Device, params: Params, inputs: Inputs): OurWork {
  return prepareTraining(device, fcNN(), params, inputs);
}

/**
 * Prepares training steps of the small CNN.
 *
 * @param device Where to run.
 * @param params `batch`, and `steps`: how many losses the outputs hold.
 * @param inputs Images, labels and initial weights.
 * @returns The work; its output is `losses` [steps].
 */
export function prepareCnnStep(device: Device, params: Params, inputs: Inputs): OurWork {
  return prepareTraining(device, cnn(), params, inputs);
}

/** Images of one pass; a multiple of 64, so that every part starts where WebGPU can bind. */
const CHUNK = 2048;

/**
 * Prepares the evaluation of FC_NN 784-64-32-10 on images that are floats.
 *
 * @param device Where to run.
 * @param params `images`: how many.
 * @param inputs Images, labels and weights.
 * @returns The work; its outputs are `loss` [1] and `correct` [1].
 */
export function prepareEvaluation(device: Device, params: Params, inputs: Inputs): OurWork {
  const model = fcNN();
  const { classes } = model;
  const pixels = inputs.images.shape[1];
  const images = tensor(device, inputs.images.data);
  const labels = tensor(device, Uint32Array.from(inputs.labels.data));
  const { tensors } = uploadParameters(device, model, [hostParameters(inputs)]);
  const counts = zeros(device, [1, 1 + classes], "u32");
  const lossSums = zeros(device, [1]);
  const program = record(device, () => {
    for (let start = 0; start < params.images; start += CHUNK) {
      const rows = Math.min(CHUNK, params.images - start);
      const x = slice(images, start * pixels, [1, rows, pixels]);
      const partLabels = slice(labels, start, [rows]);
      const logits = reshape(model.forward(tensors, x), [rows, classes]);
      const sizes = { rows, classes, labelRows: rows, networks: 1 };
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
      return { loss: [sums[0] / params.images], correct: [found[0]] };
    },
  };
}
