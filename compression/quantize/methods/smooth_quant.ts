import { reduceAxis } from "../../../autograd/mod.ts";
import { formatShape, readAll, reshape, type Tensor } from "../../../gpu/mod.ts";
import { ofLabel } from "../of_label.ts";
import { inputWeightMaxima, rescaleChannels, type ScalableLayer } from "./rescale_channels.ts";

/**
 * Migrates the difficulty of quantizing from activations to weights: SmoothQuant.
 *
 *     s_c = max|X_c|^alpha / max|W_c|^(1 - alpha),   X' = X / s,   W' = W s
 *
 * Activations with a few large channels waste the range of a grid per tensor; weights, quantized per
 * output channel, can take a part of it. 1 / s goes into the layer before, with nothing but ReLU and
 * pooling between. Alpha 0 is no migration of ranges at all but weights of equal size, 1 makes all
 * activations alike.
 *
 * @param first The layer before: its outputs are the channels.
 * @param second The layer whose input is smoothed.
 * @param activationMaxima max|X_c| on calibration data, from {@link inputMaxima}.
 * @param alpha Strength of the migration, 0 to 1; 0.5 if left out.
 * @returns Both layers, which compute the same but for rounding.
 * @throws {RangeError} If alpha is out of range, a maximum is not finite, or the layers do not fit.
 * @see Xiao et al. 2022, arXiv:2211.10438, equation 4
 */
export function smoothActivations(
  first: ScalableLayer,
  second: ScalableLayer,
  activationMaxima: Float32Array,
  alpha: number = 0.5,
): [first: ScalableLayer, second: ScalableLayer] {
  if (!(alpha >= 0 && alpha <= 1)) {
    throw new RangeError(`Cannot smooth activations: alpha must be from 0 to 1: it is ${alpha}`);
  }
  const [channels] = first.shape;
  const bad = activationMaxima.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0 || activationMaxima.length !== channels) {
    throw new RangeError(
      `Cannot smooth activations: each of ${channels} channels needs a finite maximum: ` +
        (bad < 0
          ? `there are ${activationMaxima.length}`
          : `that of ${bad} is ${activationMaxima[bad]}`),
    );
  }
  const weightMaxima = inputWeightMaxima(second, channels);
  const scales = weightMaxima.map((w, c) => {
    const x = activationMaxima[c];
    return x > 0 && w > 0 ? x ** alpha / w ** (1 - alpha) : 1; // a dead channel stays as it is
  });
  return rescaleChannels(first, second, scales);
}

/**
 * Finds the largest magnitude of every channel of a layer's inputs, in one wait.
 *
 * @param inputs Batches `[1, rows, channels, ...]`, on one device; a flattened image counts as
 *   consecutive elements a channel.
 * @param channels How many.
 * @param label Name of the layer, for errors.
 * @returns One a channel.
 * @throws {RangeError} If there is no input, one does not hold whole rows of channels, or an activation
 *   is not finite, with the layer's name.
 */
export async function inputMaxima(
  inputs: readonly Tensor[],
  channels: number,
  label?: string,
): Promise<Float32Array<ArrayBuffer>> {
  const action = `find the ranges of ${channels} input channels${ofLabel(label)}`;
  if (inputs.length === 0) {
    throw new RangeError(`Cannot ${action}: there must be inputs: there are none`);
  }
  using _scope = inputs[0].device.scope();
  const ends = inputs.flatMap((x) => {
    const [copies, rows] = x.shape;
    const size = x.size / (copies * rows);
    if (x.shape.length < 3 || size % channels !== 0) {
      throw new RangeError(
        `Cannot ${action}: inputs must be [1, rows, channels, ...]: the shape is ` +
          formatShape(x.shape),
      );
    }
    const flat = reshape(x, [copies * rows, size]);
    return [reduceAxis("minimum", flat, 0), reduceAxis("maximum", flat, 0)];
  });
  const maxima = new Float32Array(channels);
  for (const end of await readAll(ends)) {
    const width = end.length / channels;
    end.forEach((value, at) => {
      const c = Math.floor(at / width);
      if (!Number.isFinite(value)) {
        throw new RangeError(
          `Cannot ${action}: every value must be finite: channel ${c} holds ${value}`,
        );
      }
      maxima[c] = Math.max(maxima[c], Math.abs(value));
    });
  }
  return maxima;
}
