import { MODELS, type ModelSpec } from "../models/mod.ts";
import { canonicalJson } from "./canonical_json.ts";

function sizesOf(model: ModelSpec): readonly (string | number)[] {
  switch (model.kind) {
    case "fc_nn":
      return model.hidden;
    case "cnn":
      return model.channels;
    case "resnet":
      return [model.depth];
    case "octization_program":
      return [model.layer.of];
  }
}

/**
 * Names an architecture as the command line does, for reports and folders.
 *
 * @param model The architecture.
 * @returns Such as `resnet20`, or with sizes that are not the usual ones, such as `fc_nn_128_64`.
 */
export function modelName(model: ModelSpec): string {
  const text = canonicalJson(model);
  const known = Object.entries(MODELS).find(([, spec]) => canonicalJson(spec) === text);
  return known?.[0] ?? [model.kind, ...sizesOf(model)].join("_");
}
