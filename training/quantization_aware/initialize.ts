import { reduceAxis } from "../../autograd/mod.ts";
import { type Chunk, splitChunk } from "../../data/mod.ts";
import { type Device, readAll, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { elementwiseKernels, elementwiseParams, UNARY } from "../../kernels/mod.ts";
import {
  type HostParameters,
  type Model,
  parameterShape,
  type ParameterTensors,
  rowsAtOnce,
  uploadParameters,
} from "../../models/mod.ts";
import { requireFiniteInput } from "../finite_input.ts";
import { firstInputSteps, type InputStatistics } from "./input_estimator.ts";
import { checkQuantizationAware } from "./mistakes.ts";
import { layerQuantization, type QuantizationAwareSpec } from "./spec.ts";
import { firstWeightSteps } from "./weight_estimator.ts";

/** What one chunk of images says of one layer's input. */
interface Observed {
  readonly layer: string;
  readonly size: number;
  readonly low: Tensor;
  readonly high: Tensor;
  readonly sum: Tensor;
}

/** Range and mean magnitude of every layer's input; one wait in all. */
async function observeInputs(
  device: Device,
  model: Model,
  parameters: ParameterTensors,
  chunks: readonly Chunk[],
): Promise<Map<string, InputStatistics>> {
  using _scope = device.scope();
  const observed: Observed[] = [];
  for (const { source, rows } of chunks.flatMap((one) => splitChunk(one, rowsAtOnce(model, 1)))) {
    using part = device.scope();
    model.forward(parameters, { source, rows }, {
      layerInput(layer, x) {
        const flat = reshape(x, [x.size]);
        const magnitudes = run(elementwiseKernels.unary, { a: flat }, elementwiseParams(x.size), {
          constants: { OP: UNARY.absolute },
        }).y;
        const [low, high, sum] = [
          reduceAxis("minimum", flat, 0),
          reduceAxis("maximum", flat, 0),
          reduceAxis("sum", magnitudes, 0),
        ].map((one) => part.keep(one));
        observed.push({ layer, size: x.size, low, high, sum });
        return x;
      },
    });
  }
  const values = await readAll(observed.flatMap(({ low, high, sum }) => [low, high, sum]));
  const totals = new Map<string, { low: number; high: number; sum: number; size: number }>();
  observed.forEach(({ layer, size }, i) => {
    const [low, high, sum] = values.slice(3 * i, 3 * i + 3).map(([value]) => value);
    requireFiniteInput(layer, [low, high]);
    requireFiniteInput(layer, [sum], "the sum of magnitudes of its input");
    const { low: l, high: h, sum: s, size: n } = totals.get(layer) ??
      { low: Infinity, high: -Infinity, sum: 0, size: 0 };
    totals.set(layer, {
      low: Math.min(l, low),
      high: Math.max(h, high),
      sum: s + sum,
      size: n + size,
    });
  });
  return new Map(
    [...totals].map((
      [layer, { low, high, sum, size }],
    ) => [layer, { low, high, meanMagnitude: sum / size }]),
  );
}

/**
 * Tells whether training under quantization begins with ranges or steps of activations.
 *
 * @param model The float model.
 * @param spec What is quantized.
 * @returns True if the input of any layer is, pixels aside.
 */
export function needsCalibration({ layers }: Model, spec: QuantizationAwareSpec): boolean {
  return layers.some((layer) => layerQuantization(spec, layers, layer).inputs !== undefined);
}

/**
 * Gives a trained float network what it needs to be trained under quantization: the steps, clips and
 * ranges that estimators begin with.
 *
 * Steps of weights are `2 mean|w| / sqrt(qMax)`, or mean |w| of signs; those of inputs likewise, over
 * calibration images; a clip is the end of that grid, a range goes from the smallest to the largest value.
 *
 * @param device Where calibration runs.
 * @param model The float model.
 * @param spec What is quantized, and how.
 * @param trained Weights of one float network.
 * @param calibration Images of the training set; none are needed if no inputs but pixels are quantized.
 * @returns Parameters of `quantizationAware(model, spec)`, to be given as `initial` of a trainer.
 * @throws {UserError} If a number of the specification is out of range.
 * @throws {RangeError} If inputs are quantized and there are no images to see them on, or an activation is
 *   not finite, with the layer's name.
 * @see Esser et al. 2020, arXiv:1902.08153, section 2.1
 */
export async function initialQuantizationAware(
  device: Device,
  model: Model,
  spec: QuantizationAwareSpec,
  trained: HostParameters,
  calibration: readonly Chunk[],
): Promise<HostParameters> {
  checkQuantizationAware(spec);
  using _scope = device.scope();
  const { layers } = model;
  const quantization = layers.map((layer) =>
    [layer, layerQuantization(spec, layers, layer)] as const
  );
  const isCalibrated = needsCalibration(model, spec);
  if (isCalibrated && calibration.length === 0) {
    throw new RangeError(
      "Cannot begin training under quantization: quantized inputs need calibration images: there " +
        "are none",
    );
  }
  const { tensors } = uploadParameters(device, model, [trained]);
  const seen = isCalibrated
    ? await observeInputs(device, model, tensors, calibration)
    : new Map<string, InputStatistics>();
  const values: Record<string, Float32Array<ArrayBuffer>> = { ...trained };
  for (const [layer, ofLayer] of quantization) {
    const name = `${layer}.weight`;
    const shape = parameterShape(model, name);
    const statistics = seen.get(layer) ?? { low: 0, high: 1, meanMagnitude: 1 };
    Object.assign(
      values,
      ofLayer.weights &&
        firstWeightSteps(layer, shape, trained[name], ofLayer.weights, spec.progressive),
      firstInputSteps(model, layer, ofLayer, spec.progressive, statistics),
    );
  }
  return values;
}
