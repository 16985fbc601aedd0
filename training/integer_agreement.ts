import { gatherPixels } from "../autograd/mod.ts";
import { dequantizeWeight, integerProgram, type RequantizationKind } from "../compression/mod.ts";
import { type Chunk, splitChunk } from "../data/mod.ts";
import { type Device, readAll, type Tensor } from "../gpu/mod.ts";
import { type Model, rowsAtOnce, uploadParameters } from "../models/mod.ts";
import { quantizedInputs } from "./input_grids.ts";
import { type IntegerNetworkSource, toIntegers } from "./integer_network.ts";

/** How the codes that a layer computes with differ between the two kinds of inference. */
export interface CodeAgreement {
  /** Name of the layer. */
  readonly layer: string;
  /** Codes compared. */
  readonly count: number;
  /** Codes that differ. */
  readonly differing: number;
  /** Largest difference, in steps of the grid. */
  readonly largest: number;
}

/** How integer inference differs from fake quantization in float32. */
export interface IntegerAgreement {
  /** One a layer, in order; what the first one sees is rounded alike. */
  readonly codes: readonly CodeAgreement[];
  /** Images whose largest logit is of another class. */
  readonly differingPredictions: number;
  /** Largest difference of two logits, as a share of the range of all float32 logits. */
  readonly largestLogitShare: number;
  /** Images that fake quantization in float32 gets right. */
  readonly correctInFloat: number;
  /** Images that integer inference gets right. */
  readonly correctInIntegers: number;
  /** Images in all. */
  readonly count: number;
}

/** Images at once, of networks that are small enough. */
const ROWS = 1024;

function argmax(logits: ArrayLike<number>, row: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if (logits[row * classes + c] > logits[row * classes + best]) best = c;
  }
  return best;
}

/**
 * Compares fake-quantized inference in float32 with integer inference of the same quantized network,
 * shortcuts quantized in both.
 *
 * @param device Where both run.
 * @param model The model, its batch norms folded.
 * @param quantized Weights, biases (float32, to fake quantization) and grids of layers' inputs.
 * @param chunks Images with labels.
 * @param requantization How accumulators become codes.
 * @returns How often codes and predictions differ.
 * @throws {RangeError} As {@link toIntegers}.
 */
export async function integerAgreement(
  device: Device,
  model: Model,
  quantized: IntegerNetworkSource,
  chunks: readonly Chunk[],
  requantization: RequantizationKind,
): Promise<IntegerAgreement> {
  using _scope = device.scope();
  const { inputGrids, parameters, weights } = quantized;
  const program = integerProgram(device, toIntegers(model, quantized));
  const rounded = Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, dequantizeWeight(weight)]),
  );
  const { tensors } = uploadParameters(device, model, [{ ...parameters, ...rounded }]);
  const quantizeInput = quantizedInputs(device, [inputGrids]);
  const codes = model.layers.map((layer) => ({ layer, count: 0, differing: 0, largest: 0 }));
  const result = { differingPredictions: 0, correctInFloat: 0, correctInIntegers: 0, count: 0 };
  let [lowest, highest, largest] = [Infinity, -Infinity, 0];
  const rows = Math.min(ROWS, rowsAtOnce(model, 1));
  for (const part of chunks.flatMap((chunk) => splitChunk(chunk, rows))) {
    using _part = device.scope();
    const fakes: Tensor[] = [];
    const integers: Tensor[] = [];
    const fake = model.forward(tensors, { source: part.source, rows: part.rows }, {
      layerInput(layer, x) {
        const y = quantizeInput(layer, x);
        fakes.push(y);
        return y;
      },
      seenShortcuts: true,
    });
    const exact = program.forward(gatherPixels({ source: part.source, rows: part.rows }), {
      requantization,
      layerInput: (_layer, q) => integers.push(q),
    });
    const read = await readAll([part.labels, fake, exact, ...fakes, ...integers]);
    const [labels, floats, ints] = read;
    codes.forEach((code, i) => {
      const { scale, zeroPoint } = inputGrids[code.layer];
      const [values, found] = [read[3 + i], read[3 + codes.length + i]];
      code.count += values.length;
      for (let j = 0; j < values.length; j++) {
        const apart = Math.abs(Math.round(values[j] / scale) + zeroPoint - found[j]);
        if (apart > 0) code.differing++;
        code.largest = Math.max(code.largest, apart);
      }
    });
    for (let j = 0; j < floats.length; j++) {
      lowest = Math.min(lowest, floats[j]);
      highest = Math.max(highest, floats[j]);
      largest = Math.max(largest, Math.abs(floats[j] - ints[j]));
    }
    for (let row = 0; row < part.count; row++) {
      const inFloat = argmax(floats, row, model.classes);
      const inIntegers = argmax(ints, row, model.classes);
      if (inFloat !== inIntegers) result.differingPredictions++;
      if (inFloat === labels[row]) result.correctInFloat++;
      if (inIntegers === labels[row]) result.correctInIntegers++;
    }
    result.count += part.count;
  }
  return { ...result, codes, largestLogitShare: largest / (highest - lowest) };
}
