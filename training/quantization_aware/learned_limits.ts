import { LEAST_STEP } from "../../autograd/mod.ts";
import { run, type Tensor } from "../../gpu/mod.ts";
import { bitScheduleKernels } from "../../kernels/mod.ts";
import type { TrainingContext } from "../../models/mod.ts";
import type { QuantizationAwareSpec } from "./spec.ts";

/** Levels of a learned grid. */
export interface Levels {
  /** Bits of a code, or three levels. */
  readonly bits: number | "ternary";
  /** Whether there are levels below 0. */
  readonly isSigned: boolean;
}

/** Least and largest level. */
export type Limits = readonly [low: number, high: number];

/** How bit-widths fall, if they do. */
export type Progressive = QuantizationAwareSpec["progressive"];

/** Least and largest level; of one signed bit -1 and 1. */
export function limitsOf({ bits, isSigned }: Levels): Limits {
  if (bits === "ternary" || (isSigned && bits === 1)) return [-1, 1];
  return isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/** True if the bit-width of a grid falls while it is trained; signs and ternary levels have none to lose. */
function falls({ bits, isSigned }: Levels, progressive: Progressive): boolean {
  if (progressive === undefined || bits === "ternary" || (isSigned && bits === 1)) return false;
  return progressive.bits > bits;
}

/** Levels that training begins with. */
export function firstLevels(levels: Levels, progressive: Progressive): Levels {
  return falls(levels, progressive) ? { ...levels, bits: progressive!.bits } : levels;
}

/**
 * The step that LSQ begins with; of signs the mean magnitude, which is nearest to the values.
 *
 *     s = 2 mean|x| / sqrt(qMax)
 */
export function firstStep(meanMagnitude: number, levels: Levels): number {
  const isSign = levels.isSigned && levels.bits === 1;
  const [, high] = limitsOf(levels);
  // an all-zero channel gets a step that it can learn from
  if (meanMagnitude === 0) return 2 ** -10;
  return Math.max(isSign ? meanMagnitude : 2 * meanMagnitude / Math.sqrt(high), LEAST_STEP);
}

/** Lowers the bit-width to that of the training step, if it falls and the network trains. */
export function lowerBits(
  { limits, step }: { readonly limits: Tensor; readonly step: Tensor },
  levels: Levels,
  progressive: Progressive,
  training: TrainingContext | undefined,
): void {
  if (training === undefined || !falls(levels, progressive)) return;
  run(bitScheduleKernels.lower, { clock: training.clock, limits, step }, {
    channels: step.size,
    widest: progressive!.bits,
    bits: Number(levels.bits),
    steps: progressive!.steps,
  });
}
