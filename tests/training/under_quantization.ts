import { chunksOf, uploadImages } from "../../data/mod.ts";
import { type Device, read } from "../../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  readParameters,
  uploadParameters,
} from "../../models/mod.ts";
import {
  adam,
  createTrainer,
  evaluate,
  initialQuantizationAware,
  quantizationAware,
  type QuantizationAwareSpec,
  type TrainerOptions,
  type TrainingPlan,
} from "../../training/mod.ts";
import { smallModel, smallSet } from "./small_set.ts";

/** Images of four classes. */
export const SET = smallSet(128);
/** Short. */
export const PLAN: TrainingPlan = {
  optimizer: adam({ learningRate: 0.01 }),
  schedule: { kind: "cosine", finalFraction: 0 },
  epochs: 5,
  batchSize: 32,
};
/** Two bits everywhere. */
export const W2A2: QuantizationAwareSpec = {
  weights: { kind: "learnedStep", bits: 2, granularity: "channel" },
  inputs: { kind: "learnedStep", bits: 2, offset: true },
  image: { bits: 2 },
};

/** A trainer on these images. */
export function trainerOf(device: Device, model: Model, options: TrainerOptions, plan = PLAN) {
  return createTrainer(device, model, uploadImages(device, SET), plan, options);
}

let floats: Promise<HostParameters> | undefined;

/** A float network that knows the small set. */
export function trainedFloats(device: Device): Promise<HostParameters> {
  return floats ??= (async () => {
    using _scope = device.scope();
    using trainer = trainerOf(device, smallModel, { seeds: [3] }, { ...PLAN, epochs: 40 });
    await trainer.train(Infinity);
    return (await readParameters(trainer.parameters))[0];
  })();
}

/** What a float network begins with under quantization. */
export async function initialOf(
  device: Device,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
) {
  using _scope = device.scope();
  const chunks = chunksOf(device, uploadImages(device, SET));
  return (await initialQuantizationAware(device, smallModel, spec, trained, chunks)).parameters;
}

/** Share of the images that a network gets right. */
export async function accuracyOf(device: Device, model: Model, parameters: HostParameters) {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const [{ accuracy }] = await evaluate(
    model,
    tensors,
    1,
    chunksOf(device, uploadImages(device, SET)),
  );
  return accuracy;
}

/** What a network says of all images. */
export async function logitsOf(device: Device, model: Model, parameters: HostParameters) {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const [{ source, rows }] = chunksOf(device, uploadImages(device, SET));
  return await read(model.forward(tensors, { source, rows }));
}

/** Trains under quantization from a float network to the end of the plan. */
export async function trainUnder(device: Device, spec: QuantizationAwareSpec, plan = PLAN) {
  using _scope = device.scope();
  const trained = await trainedFloats(device);
  const model = quantizationAware(smallModel, spec);
  const initial = [await initialOf(device, spec, trained)];
  using trainer = trainerOf(device, model, { seeds: [1], initial }, plan);
  const losses = await trainer.train(Infinity);
  const [parameters] = await readParameters(trainer.parameters);
  return { model, losses, parameters, initial: initial[0] };
}
