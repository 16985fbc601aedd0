import { dynamicGrids, LEAST_STEP } from "../../autograd/mod.ts";
import {
  type AffineGrid,
  type CodebookGrid,
  dequantizeWeight,
  groupSizeOf,
  quantize,
  type QuantizedWeight,
  type WeightGrid,
} from "../../compression/mod.ts";
import { type Device, readAll, type Tensor } from "../../gpu/mod.ts";
import {
  type HostParameters,
  type Model,
  parameterShape,
  uploadParameters,
} from "../../models/mod.ts";
import { quantizationAware } from "./model.ts";
import { layerQuantization, type QuantizationAwareSpec, type WeightEstimator } from "./spec.ts";
import { quantizedWeight } from "./weight_estimator.ts";

/** A network that was trained under quantization, as files and runtimes know it. */
export interface ExportedNetwork {
  /** Codes and grids of every quantized weight, by the layer's name. */
  readonly weights: Readonly<Record<string, QuantizedWeight>>;
  /** The model that is left: it quantizes inputs, as it did, and takes weights as they are. */
  readonly model: Model;
  /** Its parameters; weights are what the codes stand for. */
  readonly parameters: HostParameters;
}

/** How many numbers listed levels follow from: the one magnitude of signs, three levels and DoReFa's. */
function numbersOf({ kind }: WeightEstimator): number | undefined {
  return kind === "straightThrough" ? undefined : 1;
}

/** Levels that a run of weights is on. */
function codebookOf(values: Float32Array, numbers: number | undefined): CodebookGrid {
  const levels = [...new Set(Array.from(values, (value) => value + 0))].sort((a, b) => a - b);
  return {
    kind: "codebook",
    levels: Float32Array.from(levels),
    ...numbers !== undefined && { numbers },
  };
}

/** Weights that are on few levels, and nothing more is known of them: the levels are the grid. */
function fromLevels(
  shape: readonly number[],
  values: Float32Array,
  groupSize: number,
  numbers: number | undefined,
): QuantizedWeight {
  const grids: CodebookGrid[] = [];
  const codes = new Int32Array(values.length);
  for (let start = 0; start < values.length; start += groupSize) {
    const run = values.subarray(start, start + groupSize);
    const grid = codebookOf(run, numbers);
    grids.push(grid);
    run.forEach((value, i) => codes[start + i] = grid.levels.indexOf(value));
  }
  return { shape, groupSize, grids, codes };
}

/** Weights of known grids of equal steps: the code is the nearest one. */
function onGrids(
  shape: readonly number[],
  values: Float32Array,
  grids: readonly AffineGrid[],
): QuantizedWeight {
  const groupSize = values.length / grids.length;
  const codes = Int32Array.from(values, (value, i) => {
    const grid = grids[Math.floor(i / groupSize)];
    return quantize(value, grid);
  });
  return { shape, groupSize, grids: grids as readonly WeightGrid[], codes };
}

/** Grids of equal steps that one network's weight is on after training, or none for listed levels. */
async function affineGridsOf(
  weight: Tensor,
  estimator: WeightEstimator,
  learned: { readonly steps?: Float32Array; readonly limits?: Float32Array },
): Promise<AffineGrid[] | undefined> {
  const { fround } = Math;
  if (estimator.kind === "learnedStep" && estimator.bits !== 1) {
    const { steps, limits } = learned;
    return Array.from(steps!, (step, i): AffineGrid => {
      const scale = Math.max(step, LEAST_STEP);
      const [qMin, qMax] = limits!.subarray(2 * i, 2 * i + 2);
      return { kind: "affine", scale, inverseScale: fround(1 / scale), zeroPoint: 0, qMin, qMax };
    });
  }
  if (estimator.kind !== "straightThrough") return undefined;
  const { bits, symmetric } = estimator;
  const inner = groupSizeOf(weight.shape.slice(1), estimator.granularity);
  const { scale, inverseScale, zeroPoint, qMin, qMax } = dynamicGrids(weight, {
    bits,
    symmetric,
    inner,
  });
  const columns = await readAll([scale, inverseScale, zeroPoint, qMin, qMax]);
  return Array.from(columns[0], (_, i): AffineGrid => ({
    kind: "affine",
    scale: columns[0][i],
    inverseScale: columns[1][i],
    zeroPoint: columns[2][i],
    qMin: columns[3][i],
    qMax: columns[4][i],
  }));
}

/**
 * Takes the codes and grids out of a network that was trained under quantization.
 *
 * Codes are those of the weights that the GPU computed with, so evaluating what they stand for gives
 * the same logits, bit for bit, on the adapter that exported them.
 *
 * @param device Where the weights are quantized once more.
 * @param model The float model.
 * @param spec What was quantized, and how.
 * @param trained Parameters of `quantizationAware(model, spec)`, of one network.
 * @returns Quantized weights, and the model and parameters to evaluate them with.
 * @throws {RangeError} If a weight is not on its grid after all.
 */
export async function exportQuantizationAware(
  device: Device,
  model: Model,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
): Promise<ExportedNetwork> {
  using _scope = device.scope();
  const { layers } = model;
  const wrapped = quantizationAware(model, spec);
  const { tensors } = uploadParameters(device, wrapped, [trained]);
  // bits have fallen
  const { weights: _w, firstWeights: _f, progressive: _p, last, ...others } = spec;
  const rest = quantizationAware(model, {
    ...others,
    ...last && { last: { inputs: last.inputs } },
  });
  const kept = new Set(rest.parameters.map(({ name }) => name));
  const parameters: Record<string, Float32Array<ArrayBuffer>> = Object.fromEntries(
    Object.entries(trained).filter(([name]) => kept.has(name)),
  );
  const weights: Record<string, QuantizedWeight> = {};
  for (const layer of layers) {
    const { weights: estimator } = layerQuantization(spec, layers, layer);
    if (estimator === undefined) continue;
    const name = `${layer}.weight`;
    const shape = parameterShape(model, name);
    const made = quantizedWeight(layer, tensors, estimator, spec.progressive, undefined);
    const [found] = await readAll([made]);
    const values = Float32Array.from(found);
    const grids = await affineGridsOf(tensors[name], estimator, {
      steps: trained[`${name}.step`],
      limits: trained[`${name}.limits`],
    });
    weights[layer] = grids === undefined
      ? fromLevels(
        shape,
        values,
        groupSizeOf(shape, estimator.granularity, name),
        numbersOf(estimator),
      )
      : onGrids(shape, values, grids);
    parameters[name] = dequantizeWeight(weights[layer]);
    const at = parameters[name].findIndex((value, i) => value !== values[i]);
    if (at >= 0) {
      throw new RangeError(
        `Cannot export ${layer}: every weight must be on its grid: weight ${at} is ${
          values[at]
        }, ` +
          `its code stands for ${parameters[name][at]}`,
      );
    }
  }
  return { weights, model: rest, parameters };
}
