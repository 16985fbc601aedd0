import { defineKernels, type Kernels, linearGrid, type Numbers } from "../../gpu/mod.ts";
import { randomInteger, streamKey, uniformAt } from "../random_source.ts";
import source from "./dropout.wgsl" with { type: "text" };

/** Uniform numbers are whole multiples of 2^-24. */
const UNIFORM_STEPS = 2 ** 24;

/** What a dropout works on. */
export interface DropoutShape {
  /** How many networks, each with a mask of its own. */
  readonly networks: number;
  /** Elements of each network. */
  readonly size: number;
  /** Share of the elements that become 0, from 0 to less than 1. */
  readonly rate: number;
  /** Which of the random streams of a network to draw from. */
  readonly stream: number;
}

/**
 * Computes the params of the dropout kernels.
 *
 * @param shape Networks, elements of each, rate and stream.
 * @returns Params by name.
 */
export function dropoutParams({ networks, size, rate, stream }: DropoutShape): Numbers {
  const dropBelow = Math.ceil(rate * UNIFORM_STEPS);
  return { networks, size, stream, dropBelow, scale: 1 / (1 - rate) };
}

/**
 * Inverted dropout and its gradient, from a mask that is computed anew in each of them.
 *
 * @see Srivastava et al. 2014, JMLR 15
 */
export const dropoutKernels: Kernels<"forward" | "backward"> = defineKernels({
  name: "dropout",
  file: "kernels/dropout/dropout.wgsl",
  source,
  params: { networks: "u32", size: "u32", stream: "u32", dropBelow: "u32", scale: "f32" },
  constants: { WORKGROUP_SIZE: 64 },
  lengths: ({ networks, size }) => ({
    x: networks * size,
    dy: networks * size,
    seeds: networks,
    clock: 1,
    y: networks * size,
    dx: networks * size,
  }),
  entries: {
    forward: {
      reads: ["x", "seeds", "clock"],
      writes: ["y"],
      flops: ({ networks, size }) => 30 * networks * size,
    },
    backward: {
      reads: ["dy", "seeds", "clock"],
      writes: ["dx"],
      flops: ({ networks, size }) => 30 * networks * size,
    },
  },
  workgroups: ({ networks, size }, { WORKGROUP_SIZE }) =>
    linearGrid(Math.ceil(networks * size / 16), WORKGROUP_SIZE),
  tolerance: { absolute: 0, relative: 2 ** -23 }, // one multiplication
  generate: {
    seeds: (random, { networks }) =>
      Array.from({ length: networks }, () => randomInteger(random, 0, 2 ** 32 - 1)),
    clock: (random) => [randomInteger(random, 0, 100_000)],
  },
  reference({ x, dy, seeds, clock }, { size, stream, dropBelow, ...p }, _constants, entry) {
    const scale = Math.fround(p.scale);
    const keys = Array.from(seeds, (seed) => streamKey(streamKey(seed, stream), clock[0]));
    const drop = (values: Float64Array) =>
      values.map((value, i) => {
        const uniform = uniformAt(keys[Math.floor(i / size)], i % size);
        return UNIFORM_STEPS * uniform >= dropBelow ? value * scale : 0;
      });
    return entry === "forward" ? { y: drop(x) } : { dx: drop(dy) };
  },
  gradients: [{ output: "y", input: "x", seed: "dy", gradient: "dx" }],
  cases: [
    { params: dropoutParams({ networks: 1, size: 1, rate: 0.5, stream: 0 }) },
    { params: dropoutParams({ networks: 3, size: 1, rate: 0.5, stream: 1 }) },
    { params: dropoutParams({ networks: 7, size: 3, rate: 0.25, stream: 2 }) },
    { params: dropoutParams({ networks: 1, size: 4099, rate: 0.5, stream: 2 ** 32 - 1 }) },
    { params: dropoutParams({ networks: 2, size: 5000, rate: 0.1, stream: 3 }) },
    { params: dropoutParams({ networks: 2, size: 64, rate: 0, stream: 3 }) },
  ],
  randomCase: (random) => ({
    params: dropoutParams({
      networks: randomInteger(random, 1, 5),
      size: randomInteger(random, 1, 900),
      rate: random(),
      stream: randomInteger(random, 0, 20),
    }),
  }),
  benchCases: [{ params: dropoutParams({ networks: 1, size: 2 ** 22, rate: 0.5, stream: 0 }) }],
});
