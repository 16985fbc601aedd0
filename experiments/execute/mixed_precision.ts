import {
  allocateExactly,
  allocateGreedily,
  type BitAllocation,
  type Bits,
  chooseWeightGrids,
  type LayerChoices,
  type QuantizedWeight,
  roundToGrids,
} from "../../compression/mod.ts";
import { chunksOf } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import type { HostParameters, Model } from "../../models/mod.ts";
import {
  hessianChoices,
  layerHessianTraces,
  measureSensitivities,
  type QuantizeToBits,
} from "../../training/mod.ts";
import {
  MIXED_PRECISION_WIDTHS,
  type MixedPrecisionMethod,
  TRACE_SAMPLES,
} from "../quantization_trial.ts";
import type { Bench } from "./laboratory.ts";

/**
 * Makes a quantizer that rounds each weight to each bit-width once.
 *
 * @returns Rounds to the nearest level of equal steps, one range of least squared error a channel.
 */
export function roundedToBits(): QuantizeToBits {
  const known = new Map<Float32Array, Map<number, QuantizedWeight>>();
  return (values, shape, bits) => {
    const ofWeight = known.get(values) ?? new Map<number, QuantizedWeight>();
    known.set(values, ofWeight);
    const found = ofWeight.get(bits);
    if (found !== undefined) return found;
    const grids = chooseWeightGrids(values, shape, {
      grid: { kind: "affine", bits: bits as Bits },
      granularity: "channel",
      observer: { kind: "meanSquaredError" },
    });
    const made = roundToGrids(values, shape, grids, "nearestEven");
    ofWeight.set(bits, made);
    return made;
  };
}

/** Gives what every layer costs and suffers at every width, as a method measures it. */
export type ChoicesFor = (method: MixedPrecisionMethod) => Promise<LayerChoices[]>;

/**
 * Measures layers, each way of measuring once.
 *
 * @param device Where.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights.
 * @param bench Its data.
 * @param quantize How a weight becomes so many bits.
 * @returns The measurement that a method asks for.
 */
export function choicesOf(
  device: Device,
  model: Model,
  host: HostParameters,
  bench: Bench,
  quantize: QuantizeToBits,
): ChoicesFor {
  const known = new Map<string, Promise<LayerChoices[]>>();
  const measure = async ({ sensitivity, images }: MixedPrecisionMethod) => {
    using _scope = device.scope();
    const chunks = chunksOf(device, bench.calibrationSet(images));
    if (sensitivity === "loss") {
      return await measureSensitivities(
        device,
        model,
        host,
        chunks,
        MIXED_PRECISION_WIDTHS,
        quantize,
      );
    }
    const options = { samples: TRACE_SAMPLES, seed: 0 };
    const traces = await layerHessianTraces(device, model, host, chunks, options);
    return hessianChoices(model, host, traces, MIXED_PRECISION_WIDTHS, quantize);
  };
  return (method) => {
    const key = `${method.sensitivity} ${method.images}`;
    const found = known.get(key) ?? measure(method);
    known.set(key, found);
    return found;
  };
}

/**
 * Chooses the bits of every layer.
 *
 * @param layers What they cost and suffer at every width.
 * @param method Budget and search.
 * @returns The allocation.
 * @throws {RangeError} If the budget is less than one bit for each weight.
 */
export function allocate(
  layers: readonly LayerChoices[],
  { averageBits, search }: MixedPrecisionMethod,
): BitAllocation {
  const [lower, upper] = [Math.floor(averageBits), Math.ceil(averageBits)].map((bits) =>
    layers.reduce((sum, { choices }) => sum + bytesAt(choices, bits), 0)
  );
  const budget = lower + (averageBits - Math.floor(averageBits)) * (upper - lower);
  return search === "greedy" ? allocateGreedily(layers, budget) : allocateExactly(layers, budget);
}

function bytesAt(choices: LayerChoices["choices"], bits: number): number {
  const found = choices.find((one) => one.bits === bits);
  if (found === undefined) {
    throw new RangeError(
      `Cannot allocate bits: the average must lie between two of ${
        MIXED_PRECISION_WIDTHS.join(", ")
      }: ${bits}`,
    );
  }
  return found.bytes;
}
