import { decodeSafetensors } from "../formats/mod.ts";
import type { QuantizationAwareSpec } from "../training/mod.ts";
import { quantizationOf } from "./train_quantization.ts";
import { recipeOf } from "./train_resume.ts";

/**
 * Finds what was quantized while the network in a file was trained, which decides what tensors it has.
 *
 * @param bytes The file.
 * @param path What to call it in an error.
 * @returns The specification, or undefined if it was trained in float32, or not by `train`.
 * @throws {UserError} If it is no safetensors file.
 */
export function trainedQuantization(
  bytes: Uint8Array,
  path: string,
): QuantizationAwareSpec | undefined {
  const recipe = recipeOf(decodeSafetensors(bytes, path).metadata ?? {});
  return recipe && quantizationOf(recipe);
}
