import { type Bits, dynamicRange } from "../compression/mod.ts";
import { type Device, reshape, type Tensor } from "../gpu/mod.ts";

/**
 * Makes the hook that quantizes what goes into layers on grids that no calibration chose: every image of
 * every network spans its own range, as in a runtime that sees one image at a time. So the result does
 * not depend on which images share a batch.
 *
 * @param device Where.
 * @param bits Of an input.
 * @returns What `ForwardHooks.layerInput` takes.
 * @see Jacob et al. 2018, arXiv:1712.05877; `dynamicRange`
 */
export function dynamicInputs(device: Device, bits: Bits): (layer: string, x: Tensor) => Tensor {
  return (_layer, x) => {
    const [networks, rows, ...rest] = x.shape;
    const images = networks * rows;
    const { quantize } = dynamicRange(device, new Array<Bits>(images).fill(bits));
    return reshape(quantize(reshape(x, [images, 1, ...rest])), x.shape);
  };
}
