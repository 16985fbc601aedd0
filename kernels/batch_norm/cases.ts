import type { KernelCase, Numbers, RandomSource } from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import { batchNormParams, type BatchNormShape, FEW_PARTS } from "./geometry.ts";

/** Sizes and, where planes are whole vectors, also the way that takes these. */
function casesOf(
  numbers: Numbers,
  shape: BatchNormShape,
  invocations: number = FEW_PARTS.invocations,
  mostLanes: number = FEW_PARTS.mostLanes,
): KernelCase[] {
  const params = { ...batchNormParams(shape, { invocations, mostLanes }), ...numbers };
  const fours = shape.plane % 4 === 0 ? [0, 1] : [0];
  return fours.map((FOURS) => ({ params, constants: { FOURS } }));
}

/**
 * Lists sizes that every kernel of a batch norm is tested with.
 *
 * @param numbers Params beside the geometry.
 * @returns Cases: 1, features, planes that are whole vectors and planes that are not, long sums.
 */
export function batchNormCases(numbers: Numbers): KernelCase[] {
  const shape = (networks: number, batch: number, channels: number, plane: number) => ({
    networks,
    batch,
    channels,
    plane,
  });
  return [
    ...casesOf(numbers, shape(1, 1, 1, 1)),
    ...casesOf(numbers, shape(2, 9, 5, 1), 40),
    ...casesOf(numbers, shape(2, 5, 3, 16), 12),
    ...casesOf(numbers, shape(1, 6, 7, 49)),
    ...casesOf(numbers, shape(3, 4, 2, 36), 18),
    ...casesOf(numbers, shape(1, 17, 2, 256), 1),
    ...casesOf(numbers, shape(1, 3, 1, 1060), 1, 64),
  ];
}

/**
 * Draws sizes that every kernel of a batch norm is tested with.
 *
 * @param random Uniform numbers.
 * @param numbers Params beside the geometry.
 * @returns A small case.
 */
export function randomBatchNormCase(random: RandomSource, numbers: Numbers): KernelCase {
  const shape = {
    networks: randomInteger(random, 1, 3),
    batch: randomInteger(random, 1, 9),
    channels: randomInteger(random, 1, 9),
    plane: randomInteger(random, 1, 80),
  };
  const cases = casesOf(numbers, shape, randomInteger(random, 1, 200), randomInteger(random, 1, 9));
  return cases[cases.length - 1];
}

/** Sizes worth timing: the activations of a ResNet for CIFAR-10 at batch 128. */
const BENCH_SHAPES: readonly BatchNormShape[] = [
  { networks: 1, batch: 128, channels: 16, plane: 1024 },
  { networks: 1, batch: 128, channels: 64, plane: 64 },
];

/**
 * Lists sizes that every kernel of a batch norm is timed with.
 *
 * @param numbers Params beside the geometry.
 * @returns Cases whose planes are whole vectors.
 */
export function batchNormBenchCases(numbers: Numbers): KernelCase[] {
  return BENCH_SHAPES.map((shape) => ({
    params: { ...batchNormParams(shape), ...numbers },
    constants: { FOURS: 1 },
  }));
}
