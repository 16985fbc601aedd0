import fc from "../../../support/fast_check.ts";
import type { AffineGridSpec, Bits, Granularity } from "../../../../compression/mod.ts";

/** A row-major weight `[outputs, inputs]`, from nothing but 0 to outliers far out. */
export interface DrawnWeight {
  readonly values: Float32Array;
  readonly shape: readonly [number, number];
}

const element = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: -1000, max: 1000, noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(0) },
);

/** Weights whose rows are multiples of 4, so that groups of 1, 2 and 4 divide them. */
export const weights: fc.Arbitrary<DrawnWeight> = fc.tuple(
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: 1, max: 5 }),
).chain(([outputs, quarters]) => {
  const size = outputs * quarters * 4;
  return fc.array(element, { minLength: size, maxLength: size }).map((values) => ({
    values: new Float32Array(values),
    shape: [outputs, quarters * 4] as const,
  }));
});

export const granularities: fc.Arbitrary<Granularity> = fc.constantFrom<Granularity>(
  "tensor",
  "channel",
  { group: 4 },
  { group: 2 },
);

export const affineSpecs: fc.Arbitrary<AffineGridSpec> = fc.record({
  bits: fc.integer({ min: 1, max: 16 }),
  symmetric: fc.boolean(),
  narrow: fc.boolean(),
  scale: fc.constantFrom("float" as const, "powerOfTwo" as const),
}).map(({ bits, symmetric, narrow, scale }): AffineGridSpec =>
  symmetric && bits > 1
    ? { kind: "affine", bits: bits as Exclude<Bits, 1>, symmetric, narrow, scale }
    : { kind: "affine", bits: bits as Bits, scale }
);

/** Squared distance of a weight from its quantized form. */
export function errorOf(values: Float32Array, quantized: Float32Array): number {
  return values.reduce((sum, value, i) => sum + (value - quantized[i]) ** 2, 0);
}
