import {
  defineKernels,
  type KernelCase,
  type Kernels,
  linearGrid,
  type Numbers,
  type RandomSource,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";
import source from "./elementwise.wgsl" with { type: "text" };

/** Functions of two numbers, numbered as the shader's `OP` numbers them. */
export const BINARY = {
  add: 0,
  subtract: 1,
  multiply: 2,
  divide: 3,
  minimum: 4,
  maximum: 5,
  /** The first where the second is positive, else 0: what gradients of kinked functions need. */
  passWherePositive: 6,
  /** The sum where it is positive, else 0: a residual block's end. */
  addRectified: 7,
} as const;

/** Functions of one number, numbered as the shader's `OP` numbers them. */
export const UNARY = {
  negate: 0,
  exponential: 1,
  logarithm: 2,
  squareRoot: 3,
  absolute: 4,
  square: 5,
  reciprocal: 6,
  sign: 7,
} as const;

const binary: readonly ((u: number, v: number) => number)[] = [
  (u, v) => u + v,
  (u, v) => u - v,
  (u, v) => u * v,
  (u, v) => u / v,
  Math.min,
  Math.max,
  (u, v) => v > 0 ? u : 0,
  (u, v) => Math.max(u + v, 0),
];
const unary: readonly ((v: number) => number)[] = [
  (v) => -v,
  Math.exp,
  Math.log,
  Math.sqrt,
  Math.abs,
  (v) => v * v,
  (v) => 1 / v,
  Math.sign,
];

/**
 * Finds the shape that two shapes broadcast to, as NumPy does.
 *
 * @param a Sizes of the axes of one tensor.
 * @param b Sizes of the axes of the other.
 * @returns The common shape.
 * @throws {RangeError} If two axes differ and neither is 1, or there are more than 4 axes.
 */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const axes = Math.max(a.length, b.length);
  const shape = Array.from({ length: axes }, (_, i) => {
    const x = a[a.length - axes + i] ?? 1;
    const y = b[b.length - axes + i] ?? 1;
    return x === 1 ? y : y === 1 || x === y ? x : NaN;
  });
  if (shape.some(Number.isNaN) || axes > 4) {
    throw new RangeError(
      `Cannot broadcast: axes must be equal or 1, and at most 4: shapes are [${a}] and [${b}]`,
    );
  }
  return shape;
}

/** Strides of a shape, in elements, along the axes of a 4-axis shape it broadcasts to. */
function stridesIn(shape: readonly number[], padded: readonly number[]): number[] {
  let stride = 1;
  const strides = padded.map((_, i) => {
    const axis = shape[shape.length - 1 - i] ?? 1;
    const found = axis === 1 ? 0 : stride;
    stride *= axis;
    return found;
  });
  return strides.reverse();
}

const NO_BROADCAST: Numbers = {
  d1: 1,
  d2: 1,
  d3: 1,
  a0: 0,
  a1: 0,
  a2: 0,
  a3: 0,
  b0: 0,
  b1: 0,
  b2: 0,
  b3: 0,
  scale: 1,
  shift: 0,
};

/**
 * Params of a function of tensors of one size.
 *
 * @param size Elements of each.
 * @param scale Factor, for `affine`.
 * @param shift Term, for `affine` and `fill`.
 * @returns The params of the kernel.
 */
export function elementwiseParams(size: number, scale: number = 1, shift: number = 0): Numbers {
  return { ...NO_BROADCAST, size, aSize: size, bSize: size, scale, shift };
}

/**
 * Params of a function of two tensors that broadcast.
 *
 * @param a Shape of the first.
 * @param b Shape of the second.
 * @returns The params of the kernel; `size` is that of the common shape.
 * @throws {RangeError} If the shapes do not broadcast.
 */
export function broadcastParams(a: readonly number[], b: readonly number[]): Numbers {
  const shape = broadcastShape(a, b);
  const padded = [...Array(4 - shape.length).fill(1), ...shape];
  const size = padded.reduce((x, y) => x * y, 1);
  const [a0, a1, a2, a3] = stridesIn(a, padded);
  const [b0, b1, b2, b3] = stridesIn(b, padded);
  const [, d1, d2, d3] = padded;
  const sizeOf = (s: readonly number[]) => s.reduce((x, y) => x * y, 1);
  return {
    ...NO_BROADCAST,
    ...{ size, aSize: sizeOf(a), bSize: sizeOf(b), d1, d2, d3 },
    ...{ a0, a1, a2, a3, b0, b1, b2, b3 },
  };
}

function randomShapes(random: RandomSource): KernelCase {
  const shape = Array.from(
    { length: randomInteger(random, 1, 4) },
    () => randomInteger(random, 1, 9),
  );
  const thin = () =>
    shape.slice(randomInteger(random, 0, shape.length - 1)).map((axis) =>
      random() < 0.4 ? 1 : axis
    );
  return {
    params: broadcastParams(random() < 0.5 ? shape : thin(), random() < 0.5 ? shape : thin()),
    constants: { OP: randomInteger(random, 0, binary.length - 1) },
    entries: ["broadcast"],
  };
}

function smallCases(): KernelCase[] {
  const sizes = [1, 1027].map((size) => elementwiseParams(size));
  const binaryCases = Object.values(BINARY).flatMap((OP): KernelCase[] => [
    ...sizes.map((params) => ({ params, constants: { OP }, entries: ["binary"] })),
    { params: broadcastParams([3, 1, 5], [4, 1]), constants: { OP }, entries: ["broadcast"] },
  ]);
  const { logarithm, squareRoot, reciprocal } = UNARY;
  const unaryCases = Object.values(UNARY).flatMap((OP): KernelCase[] => {
    const signed = ![logarithm, squareRoot, reciprocal].some((other) => other === OP);
    return [...sizes, ...signed ? [elementwiseParams(515, 1, -2)] : []]
      .map((params) => ({ params, constants: { OP }, entries: ["unary"] }));
  });
  return [...binaryCases, ...unaryCases];
}

/** One function of one or two tensors, element by element. */
export const elementwiseKernels: Kernels<"binary" | "broadcast" | "unary" | "affine" | "fill"> =
  defineKernels({
    name: "elementwise",
    file: "kernels/elementwise/elementwise.wgsl",
    source,
    params: {
      size: "u32",
      aSize: "u32",
      bSize: "u32",
      d1: "u32",
      d2: "u32",
      d3: "u32",
      a0: "u32",
      a1: "u32",
      a2: "u32",
      a3: "u32",
      b0: "u32",
      b1: "u32",
      b2: "u32",
      b3: "u32",
      scale: "f32",
      shift: "f32",
    },
    constants: { OP: BINARY.add, WORKGROUP_SIZE: 64 },
    lengths: ({ size, aSize, bSize }) => ({ a: aSize, b: bSize, y: size }),
    entries: {
      binary: { reads: ["a", "b"], writes: ["y"], flops: ({ size }) => size },
      broadcast: {
        reads: ["a", "b"],
        writes: ["y"],
        flops: ({ size }) => size,
        workgroups: ({ size }, { WORKGROUP_SIZE }) =>
          linearGrid(Math.ceil(size / 4), WORKGROUP_SIZE),
      },
      unary: { reads: ["a"], writes: ["y"], flops: ({ size }) => size },
      affine: { reads: ["a"], writes: ["y"], flops: ({ size }) => 2 * size },
      fill: { reads: [], writes: ["y"], flops: () => 0 },
    },
    workgroups: ({ size }, { WORKGROUP_SIZE }) => linearGrid(Math.ceil(size / 16), WORKGROUP_SIZE),
    tolerance: { absolute: 1e-6, relative: 3e-6 },
    generate: {
      // from 0.5 on, where logarithms exist; a negative shift, which unary ignores, asks for all signs
      a: (random, { shift }, length) =>
        Array.from({ length }, () => 0.5 + 3 * random() + Math.min(shift, 0)),
      b: (random, _params, length) =>
        Array.from({ length }, () => (random() < 0.5 ? -1 : 1) * (0.5 + 3 * random())),
    },
    reference({ a, b }, p, { OP }, entry) {
      const y = new Float64Array(p.size);
      for (let i = 0; i < p.size; i++) {
        if (entry === "unary") y[i] = unary[OP](a[i]);
        else if (entry === "binary") y[i] = binary[OP](a[i], b[i]);
        else if (entry === "affine") y[i] = Math.fround(p.scale) * a[i] + Math.fround(p.shift);
        else if (entry === "fill") y[i] = Math.fround(p.shift);
        else {
          const c3 = i % p.d3;
          const c2 = Math.floor(i / p.d3) % p.d2;
          const c1 = Math.floor(i / p.d3 / p.d2) % p.d1;
          const c0 = Math.floor(i / p.d3 / p.d2 / p.d1);
          y[i] = binary[OP](
            a[c0 * p.a0 + c1 * p.a1 + c2 * p.a2 + c3 * p.a3],
            b[c0 * p.b0 + c1 * p.b1 + c2 * p.b2 + c3 * p.b3],
          );
        }
      }
      return { y };
    },
    cases: [
      ...smallCases(),
      { params: elementwiseParams(999, -2.5, 0.75), entries: ["affine", "fill"] },
    ],
    randomCase: randomShapes,
    benchCases: [
      { params: elementwiseParams(2 ** 24), entries: ["binary", "unary", "affine", "fill"] },
      { params: broadcastParams([4096, 1024], [1024]), entries: ["broadcast"] },
    ],
  });
