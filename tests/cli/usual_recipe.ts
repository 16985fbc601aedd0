import type { RecipeOptions } from "../../cli/train_recipe.ts";

/** What the command line gives where nothing but the output is typed. */
export const usual: RecipeOptions = {
  model: "fc_nn",
  dataset: "mnist",
  epochs: 10,
  batchSize: 128,
  optimizer: "adam",
  schedule: "one_cycle",
};
