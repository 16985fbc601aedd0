import type { Device } from "../../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  readParameters,
  uploadParameters,
} from "../../models/mod.ts";
import {
  checkFiniteWeights,
  createTrainer,
  exportQuantizationAware,
  initialQuantizationAware,
  needsCalibration,
  quantizationAware,
} from "../../training/mod.ts";
import type { QuantizationAwareCompression } from "../quantization_trial.ts";
import type { Bench } from "./laboratory.ts";
import { bytesOf } from "./quantize_weights.ts";
import type { Variants } from "./variants.ts";

/** Steps between two looks whether to stop. */
const STEPS_AT_ONCE = 512;

/**
 * Trains a network on under quantization; its own float32 self is the teacher if the plan distills.
 *
 * @param device Where it is trained.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param compression What is quantized, and how it is trained on.
 * @param bench Its data.
 * @param seed Of batches and augmentation.
 * @param signal Stops the training.
 * @returns The network, ready to be evaluated.
 * @throws {NonFiniteLossError} If a loss is not finite.
 * @throws {NonFiniteWeightError} If a weight is not finite in the end.
 */
export async function trainAware(
  device: Device,
  model: Model,
  host: HostParameters,
  { spec, training }: QuantizationAwareCompression,
  bench: Bench,
  seed: number,
  signal: AbortSignal,
): Promise<Variants> {
  const aware = quantizationAware(model, spec);
  const { calibration } = bench;
  const initial = await initialQuantizationAware(device, model, spec, host, calibration);
  const few = needsCalibration(model, spec) ? bench.calibrationRemarks : [];
  let trained: HostParameters;
  {
    using _scope = device.scope();
    using trainer = createTrainer(device, aware, bench.train, training, {
      seeds: [seed],
      initial: [initial.parameters],
      ...training.distillation && { teacher: { model, parameters: [host] } },
    });
    while (trainer.stepsDone < trainer.totalSteps) {
      signal.throwIfAborted();
      await trainer.train(STEPS_AT_ONCE);
    }
    [trained] = await readParameters(trainer.evaluated);
    checkFiniteWeights(trained, seed, trainer.totalSteps);
  }
  const { tensors } = uploadParameters(device, aware, [trained]);
  const { weights } = await exportQuantizationAware(device, model, spec, trained);
  return {
    networks: 1,
    model: aware,
    tensors,
    hooks: {},
    remarks: [[...few, ...initial.remarks]],
    // as long as any weights are float32 there is nothing to compare
    ...Object.keys(weights).length === model.layers.length && { bytes: [bytesOf(weights)] },
  };
}
