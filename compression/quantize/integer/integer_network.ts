import type { AffineGrid } from "../affine.ts";
import { type IntegerLayer, integerLayer, type IntegerLayerSource } from "./integer_layer.ts";
import { type Requantization, requantization } from "./requantization.ts";
import { withIntegers } from "./with_integers.ts";

/** A layer, and how its accumulators become the codes of the next one. */
export interface IntegerStep {
  /** The layer. */
  readonly layer: IntegerLayer;
  /** To the next layer's codes; the last layer has none: its accumulators are the logits. */
  readonly requantization?: Requantization;
}

/** A network that computes with integers between its input and its logits. */
export interface IntegerNetwork {
  /** Channels, height and width of an input, or one number of inputs. */
  readonly inputShape: readonly number[];
  /** Grid that the input is rounded to. */
  readonly inputGrid: AffineGrid;
  /** Layers in order. */
  readonly steps: readonly IntegerStep[];
}

/**
 * Makes an integer network of quantized layers: what an integer runtime computes of them.
 *
 *     input      q_x = clamp(round(x r) + z_x, qMin, qMax)
 *     layer      a = sum (q_x - z_x)(q_w - z_w) + bias_q                int32
 *     shortcut   a + rescale(q_s - z_s, s_s / (s_x s_w))                int32
 *     mean       sum over p positions of max(a, 0), s_x s_w / p         int32, and its unit
 *     between    q_y = clamp(rescale(a, s_x s_w / s_y) + z_y, ...)      the next layer's q_x
 *     logits     float32(a) float32(s_x s_w)
 *
 * @param inputShape `[channels, height, width]` of an image.
 * @param layers In order, each fed by the one before it, and some of them by a shortcut.
 * @returns The network.
 * @throws {RangeError} If there is no layer, a shortcut comes from no earlier layer, or a layer cannot
 *   compute with integers; with its name.
 * @see Jacob et al. 2018, arXiv:1712.05877
 */
export function integerNetwork(
  inputShape: readonly number[],
  layers: readonly IntegerLayerSource[],
): IntegerNetwork {
  if (layers.length === 0) {
    throw new RangeError("Cannot make an integer network: it must have a layer: there is none");
  }
  const last = layers[layers.length - 1];
  const isPooled = last.maxPool !== undefined || last.globalAverage !== undefined;
  if (last.relu || isPooled || last.shortcut !== undefined) {
    const what = last.relu ? "rectified" : isPooled ? "pooled" : "fed by a shortcut";
    throw new RangeError(
      `Cannot make an integer network: its last layer must give logits: "${last.layer}" is ${what}`,
    );
  }
  const names = layers.map(({ layer }) => layer);
  for (const [i, { layer, shortcut }] of layers.entries()) {
    if (shortcut === undefined || names.slice(0, i + 1).includes(shortcut.from)) continue;
    throw new RangeError(
      `Cannot ${withIntegers(layer)}: its shortcut must be the input of an earlier layer, or its ` +
        `own: it is that of "${shortcut.from}"`,
    );
  }
  const steps = layers.map(integerLayer).map((layer, i): IntegerStep => {
    if (i === layers.length - 1) return { layer };
    const grid = layers[i + 1].inputGrid;
    const { globalAverage: positions = 1, relu } = layer;
    const scales = layer.accumulatorScales.map((scale) => scale / positions);
    return { layer, requantization: requantization(scales, grid, relu, layer.layer) };
  });
  return { inputShape: [...inputShape], inputGrid: layers[0].inputGrid, steps };
}
