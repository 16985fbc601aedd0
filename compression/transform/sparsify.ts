import { formatShape, readAll, reshape, run, type Tensor, tensor } from "../../gpu/mod.ts";
import { thresholdKernels } from "../../kernels/mod.ts";
import { keepCount, type Selection, selectLargest } from "./select_largest.ts";
import { sparseBasis } from "./sparse_basis.ts";
import type { SparsityStage } from "./wavelet_threshold.ts";

/** Weights after a sparsity stage, and what it kept. */
export interface Sparsified {
  /** `[networks, outputs, ...]`, back in the basis of the weights. */
  readonly weights: Tensor;
  /** Coefficients of one network; more than weights where sides are odd or the mode symmetric. */
  readonly coefficients: number;
  /** How many coefficients each network keeps. */
  readonly kept: readonly number[];
}

/** One network's coefficients, band after band, on the host. */
function coefficientsOf(bands: readonly Float32Array[], network: number, networks: number) {
  const total = bands.reduce((sum, band) => sum + band.length / networks, 0);
  const all = new Float32Array(total);
  let at = 0;
  for (const band of bands) {
    const size = band.length / networks;
    all.set(band.subarray(network * size, (network + 1) * size), at);
    at += size;
  }
  return all;
}

function selectFor(
  bands: readonly Float32Array[],
  sources: number,
  keeps: readonly number[],
): { coefficients: number; selections: Selection[] } {
  const coefficients = bands.reduce((sum, band) => sum + band.length, 0) / sources;
  const counts = keeps.map((keep) => keepCount(keep, coefficients));
  const selections = sources === 1
    ? selectLargest(coefficientsOf(bands, 0, 1), counts)
    : counts.map((count, n) => selectLargest(coefficientsOf(bands, n, sources), [count])[0]);
  return { coefficients, selections };
}

/**
 * Keeps the largest coefficients of a layer's weights, for a population of networks at once.
 *
 * One network with many keep ratios gives one network for each: it is transformed once. Of equal
 * coefficients those in the coarser band, and in it the first ones, are kept, so that the count is
 * exact. The selection waits once for the GPU; thresholds and inverse run on it, all networks in
 * the same dispatches. Hard thresholds leave the kept coefficients as they are; soft ones shrink
 * them by the largest magnitude that is dropped. Keeping all gives the weights back, but for
 * rounding.
 *
 * @param weights `[networks, outputs, ...inputs]`, with 1 network, or one for every ratio.
 * @param stage Which coefficients: of a wavelet transform, or the weights themselves.
 * @param keeps Share of the coefficients that each network keeps, in (0, 1].
 * @returns `[keeps.length, outputs, ...inputs]`, owned by the scope around the call, and counts.
 * @throws {RangeError} If the networks do not match the ratios, a ratio is out of range, the layout
 *   does not fit the weights, or a weight is not finite.
 *
 * @example Two keep ratios of one network
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, read, tensor } from "../../gpu/mod.ts";
 * import { imageLayout } from "./layout.ts";
 * import { waveletThreshold } from "./wavelet_threshold.ts";
 *
 * using device = await openDevice();
 * const weights = tensor(device, [1, 1, 1, 5], [1, 1, 4]); // one output, an image of 2 x 2
 * const stage = waveletThreshold({ wavelet: "haar", layout: imageLayout(2, 2) });
 * const { weights: sparse, kept } = await sparsify(weights, stage, [1, 0.25]);
 * assert.deepEqual(kept, [4, 1]);
 * assert.deepEqual([...await read(sparse)].map(Math.round), [1, 1, 1, 5, 2, 2, 2, 2]);
 * ```
 */
export async function sparsify(
  weights: Tensor,
  stage: SparsityStage,
  keeps: readonly number[],
): Promise<Sparsified> {
  const { device, shape, size } = weights;
  const [sources, outputs] = shape;
  if (shape.length < 2 || size === 0 || (sources !== 1 && sources !== keeps.length)) {
    throw new RangeError(
      `Cannot sparsify weights for ${keeps.length} keep ratios: they must be [networks, outputs, ` +
        `inputs] with 1 or ${keeps.length} networks: current shape is ${formatShape(shape)}`,
    );
  }
  const inputs = size / (sources * outputs);
  using scope = device.scope();
  const basis = sparseBasis(device, stage, { outputs, inputs });
  const bands = basis.analyze(reshape(weights, [sources, outputs, inputs]));
  const host = await readAll(bands) as Float32Array[];
  const { coefficients, selections } = selectFor(host, sources, keeps);

  const channels = keeps.length;
  const magnitude = tensor(device, new Float32Array(selections.map((s) => s.magnitude)));
  const tiesBelow = tensor(device, new Uint32Array(selections.map((s) => s.tiesBelow)));
  const kernel = stage.kind === "wavelet_threshold" && stage.threshold === "soft"
    ? thresholdKernels.soft
    : thresholdKernels.hard;
  let first = 0;
  const kept = bands.map((x) => {
    const inner = x.size / sources;
    const params = { channels, sources, inner, first };
    const { y } = run(kernel, { x, magnitude, tiesBelow }, params);
    first += inner;
    return reshape(y, [x.shape[0] / sources * channels, ...x.shape.slice(1)]);
  });
  const sparse = scope.keep(basis.synthesize(kept));
  return {
    weights: reshape(sparse, [channels, ...shape.slice(1)]),
    coefficients,
    kept: selections.map((selection) => selection.kept),
  };
}
