/**
 * The counter-based random numbers that both sides of the comparison draw their inputs from.
 *
 * A number depends on nothing but `(seed, stream, index)`, so either process makes the same floats
 * without sending them. It is the generator of `kernels/random_source.ts`, written out again because
 * this folder is a package of its own; `peers_test.ts` checks that the two agree.
 *
 * ```
 * hash(x):  s = x * 747796405 + 2891336453          (all modulo 2^32)
 *           w = ((s >> ((s >> 28) + 4)) ^ s) * 277803737
 *           return (w >> 22) ^ w
 * key     = hash(hash(seed) + stream)
 * u       = (hash(hash(index) ^ key) >> 8) / 2^24    in [0, 1), exact in float32
 * unit    = u            signed = 2 u - 1            class = floor(classes * u)
 * ```
 *
 * @module
 */

function hash(input: number): number {
  const state = (Math.imul(input, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/** The array of one stream: `place` turns a number in [0, 1) into an element. */
function draw(
  seed: number,
  stream: number,
  length: number,
  place: (u: number) => number,
): Float32Array<ArrayBuffer> {
  const key = hash((hash(seed) + stream) >>> 0);
  const values = new Float32Array(length);
  for (let index = 0; index < length; index++) {
    values[index] = place((hash((hash(index) ^ key) >>> 0) >>> 8) / 2 ** 24);
  }
  return values;
}

/**
 * Draws numbers in [0, 1), for what stands for pixels.
 *
 * @param seed Of the request.
 * @param stream Which tensor of the workload.
 * @param length How many.
 * @returns Multiples of 2^-24.
 */
export function drawUnit(seed: number, stream: number, length: number): Float32Array<ArrayBuffer> {
  return draw(seed, stream, length, (u) => u);
}

/**
 * Draws numbers in [-bound, bound).
 *
 * @param seed Of the request.
 * @param stream Which tensor of the workload.
 * @param length How many.
 * @param bound Largest size; 1 if left out. The product with it is rounded once, to float32.
 * @returns The numbers.
 */
export function drawSigned(
  seed: number,
  stream: number,
  length: number,
  bound: number = 1,
): Float32Array<ArrayBuffer> {
  return draw(seed, stream, length, (u) => bound * (2 * u - 1));
}

/**
 * Draws class labels.
 *
 * @param seed Of the request.
 * @param stream Which tensor of the workload.
 * @param length How many.
 * @param classes How many classes there are.
 * @returns Whole numbers from 0 to `classes - 1`.
 */
export function drawLabels(
  seed: number,
  stream: number,
  length: number,
  classes: number,
): Float32Array<ArrayBuffer> {
  return draw(seed, stream, length, (u) => Math.floor(classes * u));
}
