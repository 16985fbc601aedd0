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

/** Rounds each weight to each bit-width once: equal steps, one range of least squared error a channel. */
function roundedToBits(): QuantizeToBits {
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

/** What the layers of a network cost and suffer, and how their weights become so many bits. */
export interface LayerSurvey {
  /** Rounds a weight to the nearest level, one range of least squared error a channel. */
  readonly quantize: QuantizeToBits;
  /**
   * Gives what every layer costs and suffers at every width; each way of measuring is measured once.
   *
   * @param method Loss or Hessian trace, and on how many images.
   */
  choicesFor(method: MixedPrecisionMethod): Promise<LayerChoices[]>;
}

/** Surveys of networks that are still looked at: trials of one come in several groups. */
const surveys = new WeakMap<HostParameters, LayerSurvey>();

/**
 * Surveys a network, or finds the survey of it that there is.
 *
 * @param device Where.
 * @param model The model, its batch norms folded.
 * @param host Its trained weights; the survey is theirs as long as somebody holds them.
 * @param bench Its data.
 * @returns The survey.
 */
export function surveyOf(
  device: Device,
  model: Model,
  host: HostParameters,
  bench: Bench,
): LayerSurvey {
  const found = surveys.get(host);
  if (found !== undefined) return found;
  const quantize = roundedToBits();
  const known = new Map<string, Promise<LayerChoices[]>>();
  const measure = async ({ sensitivity, images }: MixedPrecisionMethod) => {
    using _scope = device.scope();
    const chunks = chunksOf(device, bench.calibrationSet(images));
    const widths = MIXED_PRECISION_WIDTHS;
    if (sensitivity === "loss") {
      return await measureSensitivities(device, model, host, chunks, widths, quantize);
    }
    const options = { samples: TRACE_SAMPLES, seed: 0 };
    const traces = await layerHessianTraces(device, model, host, chunks, options);
    return hessianChoices(model, host, traces, widths, quantize);
  };
  const survey: LayerSurvey = {
    quantize,
    choicesFor(method) {
      const key = `${method.sensitivity} ${method.images}`;
      const measured = known.get(key) ?? measure(method);
      known.set(key, measured);
      return measured;
    },
  };
  surveys.set(host, survey);
  return survey;
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
