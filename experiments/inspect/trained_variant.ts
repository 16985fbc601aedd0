import type { Device } from "../../gpu/mod.ts";
import { foldBatchNorms, type HostParameters, type Model } from "../../models/mod.ts";
import {
  exportQuantizationAware,
  type QuantizationAwareSpec,
  trainedInputGrids,
  trainedInputs,
} from "../../training/mod.ts";
import type { Variant } from "./variant.ts";

/**
 * Takes a network that was trained under quantization as it computes: with the weights that its codes
 * stand for, and inputs on the grids that it learned.
 *
 * @param device Where it runs; what its inputs need belongs to the scope of this call.
 * @param model The float model, with the batch norms that it was trained with.
 * @param spec What was quantized, and how.
 * @param trained Parameters of `quantizationAware(model, spec)`.
 * @returns A variant of the model with its batch norms folded: codes and grids are known where there were
 *   none to fold.
 */
export async function trainedVariant(
  device: Device,
  model: Model,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
): Promise<Variant> {
  const exported = await exportQuantizationAware(device, model, spec, trained);
  const own = Object.fromEntries(
    model.parameters.map(({ name }) => [name, exported.parameters[name]]),
  );
  return {
    parameters: foldBatchNorms(model, own).parameters,
    // a folded norm scales every channel, and its grid with it: levels are read off the weights then
    weights: model.batchNorms === undefined ? exported.weights : {},
    inputs: {},
    trainedInputs: {
      quantize: trainedInputs(device, model, spec, trained),
      grids: trainedInputGrids(model, spec, trained),
    },
  };
}
