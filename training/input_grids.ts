import { fakeQuantize, fakeQuantizeShared, uploadGrids } from "../autograd/mod.ts";
import { type AffineGrid, type Bits, chooseQuantParams } from "../compression/mod.ts";
import type { Device, Tensor } from "../gpu/mod.ts";
import type { Model } from "../models/mod.ts";
import type { ActivationRanges } from "./calibrate.ts";

/**
 * Chooses the grids of the inputs of all layers, from the smallest to the largest value of each.
 *
 * @param model The model.
 * @param ranges Of the inputs of every layer, by its name.
 * @param bits Of a code.
 * @returns Grids by layer.
 * @throws {RangeError} If a range is not finite, with the layer's name.
 */
export function gridsOfRanges(
  { layers }: Model,
  ranges: ActivationRanges,
  bits: Bits,
): Record<string, AffineGrid> {
  return Object.fromEntries(
    layers.map((layer) => [layer, chooseQuantParams(ranges[layer], bits, layer)]),
  );
}

/**
 * Makes the hook that quantizes what goes into layers of P networks, each on its own grids.
 *
 * An input that all networks share, `[1, ...]`, becomes one for each.
 *
 * @param device Where; the grids belong to the scope of this call.
 * @param networks Grids by layer, one record a network, all of the same layers; other layers get their
 *   inputs as they are.
 * @returns What `ForwardHooks.layerInput` takes.
 */
export function quantizedInputs(
  device: Device,
  networks: readonly Readonly<Record<string, AffineGrid>>[],
): (layer: string, x: Tensor) => Tensor {
  const uploaded = new Map(
    Object.keys(networks[0]).map((layer) => [
      layer,
      uploadGrids(device, networks.map((grids) => grids[layer]), 1), // `inner` is known when it is used
    ]),
  );
  return (layer, x) => {
    const grids = uploaded.get(layer);
    if (grids === undefined) return x;
    const own = { ...grids, inner: x.size / x.shape[0] };
    return x.shape[0] === networks.length ? fakeQuantize(x, own) : fakeQuantizeShared(x, own);
  };
}
