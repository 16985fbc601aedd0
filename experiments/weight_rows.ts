import { OBQ_MOST_INPUTS } from "../compression/mod.ts";
import { datasetForm } from "../data/mod.ts";
import { createModel, type Model, parameterShape } from "../models/mod.ts";
import type { Trial } from "./trial.ts";

/** The weights of one output of a layer. */
export interface WeightRow {
  /** Name of the weight, such as `fc1.weight`. */
  readonly name: string;
  /** How many there are. */
  readonly size: number;
}

/**
 * Finds how many weights the outputs of each layer have, before a data set is loaded.
 *
 * @param trial Says which network, on which data.
 * @returns One a layer, in order; empty for a data set that is known only once it is read.
 * @throws {UserError} If the network does not fit the data set.
 */
export function weightRows({ model, data }: Pick<Trial, "model" | "data">): WeightRow[] {
  const form = datasetForm(data.dataset);
  if (form === undefined) return [];
  return rowsOf(createModel(model, form.inputShape, form.classes));
}

/**
 * Counts the weights of one output of every layer.
 *
 * @param model The model.
 * @returns One a layer, in order.
 */
export function rowsOf(model: Model): WeightRow[] {
  return model.layers.map((layer) => {
    const name = `${layer}.weight`;
    const size = parameterShape(model, name).slice(1).reduce((a, b) => a * b, 1);
    return { name, size };
  });
}

/**
 * Lists the layers whose rows do not fall into groups.
 *
 * @param group Weights of a group.
 * @param rows Of all layers.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function groupMistakes(group: number, rows: readonly WeightRow[]): string[] {
  const torn = rows.filter(({ size }) => size % group !== 0);
  if (torn.length === 0) return [];
  return [
    `a group of ${group} weights must divide every row: ` +
    torn.map(({ name, size }) => `one of ${name} has ${size}`).join(", "),
  ];
}

/**
 * Lists the layers whose rows are too long for OBQ, whose cost a row is cubic.
 *
 * @param rows Of all layers.
 * @returns What must be how, and what it is; empty if all is well.
 */
export function obqMistakes(rows: readonly WeightRow[]): string[] {
  const long = rows.filter(({ size }) => size > OBQ_MOST_INPUTS);
  if (long.length === 0) return [];
  return [
    `an output must have at most ${OBQ_MOST_INPUTS} weights for OBQ: ` +
    long.map(({ name, size }) => `one of ${name} has ${size}`).join(", "),
  ];
}
