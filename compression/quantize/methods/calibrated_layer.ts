import type { QuantizedWeight } from "../quantized_weight.ts";
import type { LayerMoments } from "./accumulate_moments.ts";
import type { Damping } from "./damped_factor.ts";

/** A layer, and what calibration says about its inputs. */
export interface CalibratedLayer {
  /** Row-major, outputs first. */
  readonly weight: Float32Array;
  /** `[outputs, ...]`. */
  readonly shape: readonly number[];
  /** `[outputs]`; without one no bias is corrected. */
  readonly bias?: Float32Array;
  /** Of the inputs that it gets, and against those of the original network. */
  readonly moments: LayerMoments;
}

/** A layer whose weight is quantized. */
export interface QuantizedLayer {
  /** Codes and grids. */
  readonly quantized: QuantizedWeight;
  /** The bias that goes with it; the layer's own if left out. */
  readonly bias?: Float32Array<ArrayBuffer>;
  /** What each group's Hessian was damped by, if one was. */
  readonly damping?: readonly Damping[];
}
