import type { KernelSpec } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";

const between =
  (low: number, high: number): NonNullable<KernelSpec<string>["generate"]>[string] =>
  (random, _params, length) => Array.from({ length }, () => randomInteger(random, low, high));

/** Test inputs of integer layers: codes of 8 bits, signed or not, zero points among them, biases. */
export const generateCodes: NonNullable<KernelSpec<string>["generate"]> = {
  x: between(0, 255),
  weight: between(-128, 127),
  bias: between(-(2 ** 28), 2 ** 28),
  xZero: between(0, 255),
  weightZero: between(-128, 127),
};
