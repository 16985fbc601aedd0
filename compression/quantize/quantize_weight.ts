import { fakeQuantize, type GridNumbers, uploadGrids } from "../../autograd/mod.ts";
import type { Tensor } from "../../gpu/mod.ts";
import { chooseQuantParams, rangesOf } from "./affine.ts";
import type { Bits } from "./bits.ts";
import { groupSizeOf } from "./grids/granularity.ts";
import type { Granularity } from "./grids/spec.ts";

/** How one network of a population is quantized; frozen data, part of a trial. */
export interface AffineQuantization {
  /** Bits of a weight (and of an activation). */
  readonly bits: Bits;
  /** Which weights share a range. */
  readonly granularity: Granularity;
}

/**
 * Quantizes one weight of P copies of a network, each in its own way, in one dispatch.
 *
 * Every channel of the fake-quantize kernel is a run of weights that share a grid in all variants, so
 * different bit-widths and granularities share the dispatch.
 *
 * @param weight P equal copies `[networks, outputs, ...]`.
 * @param values The same weight on the host, one copy, where its ranges are found.
 * @param variants One a network.
 * @param label Name of the weight, for errors.
 * @returns `[networks, outputs, ...]`, every network on its own grid.
 * @throws {RangeError} If there is not one variant a network, a group does not divide a row, or values
 *   are not finite or too far apart.
 */
export function quantizeWeight(
  weight: Tensor,
  values: Float32Array,
  variants: readonly AffineQuantization[],
  label?: string,
): Tensor {
  const [networks, ...shape] = weight.shape;
  if (variants.length !== networks) {
    throw new RangeError(
      `Cannot quantize ${networks} networks: each needs one variant: ${variants.length} were given`,
    );
  }
  const sizes = variants.map(({ granularity }) => groupSizeOf(shape, granularity, label));
  const inner = sizes.reduce(greatestCommonDivisor);
  const ranges = new Map(
    [...new Set(sizes)].map((size) => [size, rangesOf(values, values.length / size, label)]),
  );
  const grids = variants.flatMap(({ bits }, network): GridNumbers[] => {
    const size = sizes[network];
    return ranges.get(size)!.flatMap((range) =>
      new Array<GridNumbers>(size / inner).fill(chooseQuantParams(range, bits, label))
    );
  });
  return fakeQuantize(weight, uploadGrids(weight.device, grids, inner));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
