import { pcgHash, streamKey } from "../random_source.ts";

const ROUNDS = 6;

/**
 * Counts the bits of the Feistel cipher that permutes a set.
 *
 * @param count Size of the set, at least 1.
 * @returns The smallest even number of bits, at least 2, with 2^bits >= count.
 */
export function permutationBits(count: number): number {
  return Math.max(2, 2 * Math.ceil(Math.log2(count) / 2));
}

/**
 * Finds where an epoch's random permutation sends an index; the shader computes the same.
 *
 * @param index From 0 to `count` - 1.
 * @param count Size of the set.
 * @param seed Of the network.
 * @param epoch Counted from 0.
 * @returns A whole number from 0 to `count` - 1; different for every index.
 * @see Black and Rogaway 2002, doi:10.1007/3-540-45760-7_9
 */
export function permutedIndex(index: number, count: number, seed: number, epoch: number): number {
  const half = permutationBits(count) / 2;
  const mask = 2 ** half - 1;
  const key = streamKey(seed, epoch);
  let value = index;
  do {
    let left = value >>> half;
    let right = value & mask;
    for (let round = 0; round < ROUNDS; round++) {
      const mixed = pcgHash((pcgHash(right + (round << 16)) ^ key) >>> 0);
      [left, right] = [right, (left ^ (mixed & mask)) >>> 0];
    }
    value = ((left << half) | right) >>> 0;
  } while (value >= count);
  return value;
}
