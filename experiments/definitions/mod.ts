import { unknownName } from "../../formats/user_error.ts";
import type { Experiment } from "../define.ts";
import { bitWidth } from "./bit_width.ts";
import { calibration } from "./calibration.ts";
import { generalisation } from "./generalisation.ts";
import { mixedPrecision } from "./mixed_precision.ts";
import { octization, octizationContrasts } from "./octization.ts";
import { ptqMethods } from "./ptq_methods.ts";
import { qat } from "./qat.ts";
import { waveletThreshold } from "./wavelet_threshold.ts";

/** The experiments of a sweep that names none: they take about a minute. */
export const usualDefinitions: readonly Experiment[] = Object.freeze([bitWidth, waveletThreshold]);

/** Every experiment that can be asked for by name. */
export const definitions: readonly Experiment[] = Object.freeze([
  ...usualDefinitions,
  generalisation,
  ptqMethods,
  calibration,
  qat,
  mixedPrecision,
  octization,
  octizationContrasts,
]);

/**
 * Finds an experiment by its name.
 *
 * @param name As it was typed.
 * @returns The experiment.
 * @throws {UserError} If there is none of that name, with the names that exist.
 */
export function findExperiment(name: string): Experiment {
  const found = definitions.find((experiment) => experiment.name === name);
  if (!found) throw unknownName("experiment", name, definitions.map((known) => known.name));
  return found;
}
