import { datasetForm } from "../data/mod.ts";
import type { ModelSpec } from "../models/mod.ts";
import { modelName } from "./model_name.ts";

/**
 * Names results so that those of another network, or of other images than are usually asked of, do not lie
 * over each other.
 *
 * @param name Of the experiment.
 * @param usual Name of the data set that it is usually asked of.
 * @param asked Another architecture, another data set.
 * @returns Such as `bit_width_cnn_282k_cifar10`.
 */
export function nameOfResults(
  name: string,
  usual: string,
  { model, dataset }: { readonly model?: ModelSpec; readonly dataset?: string },
): string {
  // a network of the literature that does not fit the usual images fits one data set alone
  const isOther = model?.madeFor !== undefined &&
    `${model.madeFor.inputShape}` !== `${datasetForm(usual)?.inputShape}`;
  const own = dataset === undefined || dataset === usual || isOther;
  return [
    name,
    ...model === undefined ? [] : [modelName(model)],
    ...own ? [] : [dataset.split("/").filter(Boolean).at(-1)!],
  ].join("_").replaceAll(/[^A-Za-z0-9]+/g, "_");
}
