/**
 * Estimates what rounding a layer does to the loss, from the curvature along its weights.
 *
 *     Omega = (max(Tr(H), 0) / n) ||Q(w) - w||^2
 *
 * with H the Hessian of the loss in respect of the n weights of the layer. A trace below 0, which an estimate
 * of few samples or a network that is not at a minimum gives, says that rounding harms nothing, not that it
 * helps the more the coarser it is.
 *
 * @param trace Tr(H), of the layer's own block.
 * @param values The weights w.
 * @param rounded What they become, Q(w).
 * @returns Omega; twice the expected increase of the loss if the rounding errors were random.
 * @throws {RangeError} If there are no weights, or not as many rounded ones.
 * @see Dong et al. 2020, HAWQ-V2, arXiv:1911.03852, section 3.2
 */
export function hessianSensitivity(
  trace: number,
  values: Float32Array,
  rounded: Float32Array,
): number {
  if (values.length === 0 || values.length !== rounded.length) {
    throw new RangeError(
      `Cannot estimate a sensitivity: there must be as many rounded weights as weights, and some: ` +
        `there are ${rounded.length} and ${values.length}`,
    );
  }
  const squared = values.reduce((sum, w, i) => sum + (rounded[i] - w) ** 2, 0);
  return Math.max(trace, 0) / values.length * squared;
}
