import { unknownName } from "../../formats/user_error.ts";
import type { Experiment } from "../define.ts";
import { REGRESSION_NAME } from "../regression/regression_report.ts";
import { bitWidth } from "./bit_width.ts";
import { calibration } from "./calibration.ts";
import { generalisation } from "./generalisation.ts";
import { hyperparameters } from "./hyperparameters.ts";
import { mixedPrecision } from "./mixed_precision.ts";
import { octization, octizationContrasts } from "./octization.ts";
import { octizationProgramCifar10, octizationProgramMnist } from "./octization_programs.ts";
import { ptqMethods } from "./ptq_methods.ts";
import { qat } from "./qat.ts";
import { waveletThreshold } from "./wavelet_threshold.ts";

/** The experiments of a sweep that names none: they take one to five minutes. */
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
  octizationProgramMnist,
  octizationProgramCifar10,
]);

/** Every name that can be asked for: definitions, and what chooses or draws its trials itself. */
export const experimentNames: readonly string[] = Object.freeze([
  ...definitions.map(({ name }) => name),
  REGRESSION_NAME,
  hyperparameters().name,
]);

/**
 * Finds an experiment by its name.
 *
 * @param name As it was typed.
 * @returns The experiment.
 * @throws {UserError} If there is no definition of that name, with all {@link experimentNames}.
 */
export function findExperiment(name: string): Experiment {
  const found = definitions.find((experiment) => experiment.name === name);
  if (!found) throw unknownName("experiment", name, experimentNames);
  return found;
}
