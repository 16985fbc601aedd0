import type { Tensor } from "../gpu/mod.ts";

/** Outputs of a ReLU: their own sign says where a gradient passes. */
const activated = new WeakSet<Tensor>();

/** Gradients that were computed already masked, and the ReLU output whose mask they carry. */
const maskedBy = new WeakMap<Tensor, Tensor>();

/** Notes that `y` came out of a ReLU, so that the op after it can mask its gradient for free. */
export function markActivated(y: Tensor): void {
  activated.add(y);
}

/** True if `x` came out of a ReLU. */
export function isActivated(x: Tensor): boolean {
  return activated.has(x);
}

/** Notes that the gradient `dx` of the ReLU output `x` is zero already where the ReLU was. */
export function markMasked(dx: Tensor, x: Tensor): Tensor {
  maskedBy.set(dx, x);
  return dx;
}

/** True if `dy` carries the mask of the ReLU output `y` already; masking twice would be harmless. */
export function isMasked(dy: Tensor, y: Tensor): boolean {
  return maskedBy.get(dy) === y;
}
