import { type Bits, granularityMistakes, isBits } from "../../compression/mod.ts";
import { UserError } from "../../formats/mod.ts";
import type { TrainingPlan } from "../plan.ts";
import type { InputEstimator, QuantizationAwareSpec, WeightEstimator } from "./spec.ts";

function isEstimator<T>(one: T | "float" | undefined): one is T {
  return one !== undefined && one !== "float";
}

/**
 * Lists how weights are quantized, wherever they are.
 *
 * @param spec What is quantized.
 * @returns Estimators of weights, of all layers, the first and the last one.
 */
export function weightEstimatorsOf(
  { weights, firstWeights, last }: QuantizationAwareSpec,
): WeightEstimator[] {
  return [weights, firstWeights, last?.weights].filter(isEstimator);
}

/**
 * Lists how inputs of layers are quantized, of all layers and the last one.
 *
 * @param spec What is quantized.
 * @returns Their estimators.
 */
export function inputEstimatorsOf({ inputs, last }: QuantizationAwareSpec): InputEstimator[] {
  return [inputs, last?.inputs].filter(isEstimator);
}

/** Bits that a grid of integers whose step learns falls to, if it has any to lose. */
function bitsFallenTo(one: WeightEstimator | InputEstimator, from: Bits): number[] {
  if (one.kind !== "learnedStep" || one.bits === "ternary" || one.bits >= from) return [];
  const isSign = one.bits === 1 && ("granularity" in one || one.signs === true);
  return isSign ? [] : [one.bits];
}

function progressiveMistakes(
  spec: QuantizationAwareSpec,
  { emaDecay }: Pick<TrainingPlan, "emaDecay">,
): string[] {
  const { progressive } = spec;
  if (progressive === undefined) return [];
  const { bits, steps } = progressive;
  const mistakes: string[] = [];
  if (!(Number.isInteger(steps) && steps > 0)) {
    mistakes.push(`steps of falling bit-widths must be a whole number from 1: ${steps}`);
  }
  const estimators = [...weightEstimatorsOf(spec), ...inputEstimatorsOf(spec)];
  const fallen = isBits(bits) ? estimators.flatMap((one) => bitsFallenTo(one, bits)) : [];
  if (isBits(bits) && fallen.length === 0) {
    mistakes.push(
      "falling bit-widths must begin above those of a grid of integers whose step learns, or " +
        `nothing falls: ${bits}`,
    );
  }
  // the kernel spends a step on each width at least
  const widths = bits - Math.min(...fallen) + 1;
  if (steps < widths) {
    mistakes.push(
      `falling bit-widths must have a step for each of the ${widths} widths from ${bits} bits on: ${steps}`,
    );
  }
  if (emaDecay !== undefined) {
    mistakes.push(
      "weights must not be averaged while bits fall: grids of several widths would mix",
    );
  }
  return mistakes;
}

/**
 * Lists what is wrong with a specification, and with the plan that it is trained by.
 *
 * @param spec What is quantized.
 * @param plan How it is trained; what goes with any plan if left out.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function quantizationAwareMistakes(
  spec: QuantizationAwareSpec,
  plan: Pick<TrainingPlan, "emaDecay"> = {},
): string[] {
  const mistakes: string[] = [];
  const weights = weightEstimatorsOf(spec);
  const estimators = [...weights, ...inputEstimatorsOf(spec)];
  const { image, progressive } = spec;
  for (const one of [...estimators, ...[image, progressive].filter((some) => some !== undefined)]) {
    if ("bits" in one && one.bits !== "ternary" && !isBits(one.bits)) {
      mistakes.push(`bits must be a whole number from 1 to 16: ${one.bits}`);
    }
  }
  mistakes.push(...weights.flatMap(({ granularity }) => granularityMistakes(granularity)));
  for (const one of estimators) {
    // the types say the first two as well, but a trial may be read from a file
    if ("signs" in one && one.signs && (one.bits as number) !== 1) {
      mistakes.push(`signs are 1 bit: ${one.bits}`);
    }
    if (one.kind !== "straightThrough") continue;
    if ("symmetric" in one && one.symmetric && (one.bits as number) === 1) {
      mistakes.push("a symmetric grid needs 2 bits or more, as its zero point would be 0.5: 1");
    }
    if ("momentum" in one && !(one.momentum! > 0 && one.momentum! <= 1)) {
      mistakes.push(`the momentum of ranges must be above 0 and at most 1: ${one.momentum}`);
    }
    if ("warmUp" in one && !(Number.isInteger(one.warmUp) && one.warmUp! > 0)) {
      mistakes.push(`steps in which ranges warm up must be a whole number from 1: ${one.warmUp}`);
    }
  }
  return [...mistakes, ...progressiveMistakes(spec, plan)];
}

/**
 * Refuses a specification that cannot be carried out, or does not go with a plan.
 *
 * @param spec What is quantized.
 * @param plan How it is trained; what goes with any plan if left out.
 * @throws {UserError} If a number is out of range, or weights are averaged while bits fall.
 */
export function checkQuantizationAware(
  spec: QuantizationAwareSpec,
  plan: Pick<TrainingPlan, "emaDecay"> = {},
): void {
  const mistakes = quantizationAwareMistakes(spec, plan);
  if (mistakes.length > 0) {
    throw new UserError(`Cannot train under quantization: ${mistakes.join("; ")}`);
  }
}
