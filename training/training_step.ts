import { backward, crossEntropy, distillation } from "../autograd/mod.ts";
import type { ResidentImages } from "../data/mod.ts";
import { type Device, reshape, run, type Tensor, zeros } from "../gpu/mod.ts";
import {
  movingAverageKernels,
  permutationBits,
  sampleBatchKernels,
  trainingClockKernels,
} from "../kernels/mod.ts";
import { type Model, trainableTensors, zeroParameters } from "../models/mod.ts";
import { augmentImages, isAugmenting } from "./augmentation.ts";
import { optimizerStep } from "./optimizer.ts";
import type { TrainingPlan } from "./plan.ts";
import { LOG_CAPACITY, type TrainingState } from "./training_state.ts";

/** One step of a training, and where it logs. */
export interface TrainingStep {
  /** `[512, networks]`: mean losses in nats, a ring. */
  readonly lossLog: Tensor;
  /** Appends the dispatches of one step; the same ones every time. */
  run(): void;
}

/** The batch that the clock points to: its images and their labels. */
function sampleBatch(
  model: Model,
  images: ResidentImages,
  { batchSize: batch, augmentation }: TrainingPlan,
  { clock, seeds }: TrainingState,
) {
  const networks = seeds.size;
  const { rows, batchLabels } = run(
    sampleBatchKernels.sample,
    { clock, seeds, labels: images.labels },
    {
      networks,
      batch,
      count: images.count,
      stepsPerEpoch: Math.floor(images.count / batch),
      bits: permutationBits(images.count),
    },
  );
  const batchRows = { source: images, rows: reshape(rows, [networks, batch]) };
  const x = augmentation !== undefined && isAugmenting(augmentation)
    ? augmentImages(batchRows, model.inputShape, augmentation, { clock, seeds })
    : batchRows;
  return { x, labels: batchLabels };
}

/**
 * Prepares one training step of P networks: batch, augmentation, forward and backward pass, optimizer,
 * average, log, rounding of weights.
 *
 * Everything that changes from step to step is found on the GPU from the step number.
 *
 * @param device Where to train.
 * @param model What to train.
 * @param images The training set.
 * @param plan How to train.
 * @param state What a step changes.
 * @returns The step.
 */
export function prepareTrainingStep(
  device: Device,
  model: Model,
  images: ResidentImages,
  plan: TrainingPlan,
  state: TrainingState,
): TrainingStep {
  const { parameters, average, teach, moments, clock, seeds, table, quantizer } = state;
  const { optimizer, labelSmoothing, batchSize, distillation: teaching } = plan;
  const networks = seeds.size;
  const gradients = zeroParameters(device, model, networks);
  const lossLog = zeros(device, [LOG_CAPACITY, networks]);
  const used = quantizer?.used ?? parameters.tensors;
  const trained = Object.keys(trainableTensors(parameters));
  const into = new Map(trained.map((name) => [used[name], gradients.tensors[name]]));
  return {
    lossLog,
    run() {
      const { x, labels } = sampleBatch(model, images, plan, state);
      const logits = model.forward(used, x, { training: { clock, seeds } });
      const losses = teach === undefined || teaching === undefined
        ? crossEntropy(logits, labels, { labelSmoothing })
        : distillation(logits, teach(x), labels, teaching);
      backward(losses, [...into.keys()], { into });
      optimizerStep(optimizer, {
        parameter: parameters.trainable,
        gradient: gradients.trainable,
        state: moments,
        clock,
        table,
        decayedSize: parameters.layout.decayedSize,
      });
      if (average !== undefined) {
        run(movingAverageKernels.update, {
          parameter: parameters.flat,
          clock,
          stepTable: table,
          average: average.flat,
        }, { size: parameters.flat.size, steps: table.size / 4 });
      }
      run(trainingClockKernels.advance, { losses, clock, lossLog }, {
        networks,
        batch: batchSize,
        capacity: LOG_CAPACITY,
      });
      quantizer?.run();
    },
  };
}
