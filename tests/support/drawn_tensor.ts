import { type Device, type Tensor, tensor } from "../../gpu/mod.ts";
import { randomSource, standardNormal } from "../../kernels/mod.ts";

/**
 * Draws a tensor of standard normal numbers.
 *
 * @param device Where the tensor goes.
 * @param shape Its shape.
 * @param seed Same seed, same numbers.
 * @returns The tensor in float32, and the same numbers on the host.
 */
export function drawnTensor(
  device: Device,
  shape: readonly number[],
  seed: number,
): [Tensor, Float64Array] {
  const random = randomSource(seed);
  const length = shape.reduce((product, axis) => product * axis, 1);
  const values = Float32Array.from({ length }, () => standardNormal(random));
  return [tensor(device, values, shape), Float64Array.from(values)];
}
