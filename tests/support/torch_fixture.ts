import { decodeSafetensors, type SafetensorsTensor } from "../../formats/mod.ts";
import type { HostParameters, Model } from "../../models/mod.ts";

/** Numbers that PyTorch computed; the script that wrote them stands beside the file. */
export interface TorchFixture {
  /** What the script wrote beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
  /** A tensor by its name. */
  get(name: string): SafetensorsTensor;
  /** A float32 tensor by its name. */
  floats(name: string): Float32Array<ArrayBuffer>;
  /** All parameters of a model under a prefix, such as `gradient`. */
  parameters(model: Model, prefix: string): HostParameters;
}

/**
 * Reads a fixture from `tests/fixtures/torch`.
 *
 * @param name File name without its ending.
 * @returns Its tensors.
 */
export function torchFixture(name: string): TorchFixture {
  const path = new URL(`../fixtures/torch/${name}.safetensors`, import.meta.url);
  const { tensors, metadata = {} } = decodeSafetensors(Deno.readFileSync(path), name);
  const get = (key: string): SafetensorsTensor => {
    const found = tensors.get(key);
    if (found === undefined) throw new RangeError(`Cannot find "${key}" in fixture ${name}`);
    return found;
  };
  const floats = (key: string) => Float32Array.from(get(key).data as Float32Array<ArrayBuffer>);
  return {
    metadata,
    get,
    floats,
    parameters: (model, prefix) =>
      Object.fromEntries(
        model.parameters.map((
          parameter,
        ) => [parameter.name, floats(`${prefix}.${parameter.name}`)]),
      ),
  };
}
