import type { Numbers, RandomSource } from "../gpu/mod.ts";

/**
 * Hashes 32 bits to 32 bits: the PCG-RXS-M-XS permutation, as `kernels/random` has it in WGSL.
 *
 * @param input Any whole number; its low 32 bits count.
 * @returns A whole number from 0 to 2^32 - 1.
 *
 * @see Jarzynski and Olano 2020, Hash Functions for GPU Rendering, JCGT 9(3)
 */
export function pcgHash(input: number): number {
  const state = (Math.imul(input, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/**
 * Makes the key of one stream of random numbers.
 *
 * @param seed Of the experiment; any whole number.
 * @param stream What the numbers are for: streams of one seed are independent.
 * @returns A whole number from 0 to 2^32 - 1.
 */
export function streamKey(seed: number, stream: number): number {
  return pcgHash((pcgHash(seed) + stream) >>> 0);
}

/**
 * The random number at one place of a stream.
 *
 * @param key From {@link streamKey}.
 * @param counter The place, from 0 to 2^32 - 1.
 * @returns A number in [0, 1), a multiple of 2^-24 and so exact in float32.
 */
export function uniformAt(key: number, counter: number): number {
  return (pcgHash((pcgHash(counter) ^ key) >>> 0) >>> 8) / 2 ** 24;
}

/**
 * A stream of uniform random numbers that depends on nothing but its seed and its name.
 *
 * @param seed Any whole number.
 * @param stream What the numbers are for.
 * @returns A function that gives the next number in [0, 1), a multiple of 2^-24.
 */
export function randomSource(seed: number, stream: number = 0): RandomSource {
  const key = streamKey(seed, stream);
  let counter = 0;
  return () => uniformAt(key, counter++);
}

/**
 * Draws a standard normal number by the Box-Muller transform.
 *
 * @param random Uniform numbers in [0, 1).
 * @returns A number of mean 0 and standard deviation 1.
 *
 * @see Box and Muller 1958, doi:10.1214/aoms/1177706645
 */
export function standardNormal(random: RandomSource): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/**
 * Draws a whole number.
 *
 * @param random Uniform numbers in [0, 1).
 * @param low Smallest value.
 * @param high Largest value, included.
 * @returns A whole number from `low` to `high`.
 */
export function randomInteger(random: RandomSource, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/**
 * Puts a NaN somewhere into every other list of test inputs.
 *
 * @param random Uniform numbers in [0, 1).
 * @param values At least one.
 * @returns The values, one of them NaN or none.
 */
export function sometimesNaN(random: RandomSource, values: readonly number[]): number[] {
  const bad = random() < 0.5 ? randomInteger(random, 0, values.length - 1) : -1;
  return values.map((value, i) => i === bad ? NaN : value);
}

/**
 * Draws standard normal numbers, one of them NaN now and then.
 *
 * @param random Uniform numbers in [0, 1).
 * @param _params Not looked at: this is a `generate` of a kernel spec.
 * @param length How many.
 * @returns What quantizers are tested with.
 */
export function normalsOrNaN(random: RandomSource, _params: Numbers, length: number): number[] {
  return sometimesNaN(random, Array.from({ length }, () => standardNormal(random)));
}

/**
 * Draws words of 32 bits: bytes of images, or seeds.
 *
 * @param random Uniform numbers in [0, 1).
 * @param _params Not looked at: this is a `generate` of a kernel spec.
 * @param length How many.
 * @returns Whole numbers from 0 to 2^32 - 1.
 */
export function randomWords(random: RandomSource, _params: Numbers, length: number): number[] {
  return Array.from({ length }, () => randomInteger(random, 0, 2 ** 32 - 1));
}
