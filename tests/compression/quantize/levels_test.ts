import assert from "node:assert/strict";
import {
  type Bits,
  dequantizeWeight,
  levelGrid,
  quantizeToLevels,
} from "../../../compression/mod.ts";
import { REQUANTIZE_ROUNDING } from "../../../kernels/mod.ts";
import fc from "../../support/fast_check.ts";

const ROUNDINGS = Object.keys(REQUANTIZE_ROUNDING) as (keyof typeof REQUANTIZE_ROUNDING)[];
const quantizations = fc.record({
  bits: fc.integer({ min: 1, max: 16 }).map((bits) => bits as Bits),
  rounding: fc.constantFrom(...ROUNDINGS),
  scale: fc.constantFrom("fixed" as const, "absmax" as const),
});
const weights = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
})
  .map((values) => new Float32Array(values));

Deno.test("quantizeToLevels() of 0.75 at 8 bits is 191 by truncation and by rounding", () => {
  const codes = (rounding: typeof ROUNDINGS[number], value: number) =>
    quantizeToLevels(new Float32Array([value]), [1], { bits: 8, rounding, scale: "fixed" })
      .codes[0];
  assert.equal(codes("towardZero", 0.75), 191);
  assert.equal(codes("nearestEven", 0.75), 191);
  assert.equal(codes("towardZero", 0.999), 254);
  assert.equal(codes("nearestEven", 0.999), 255);
  assert.equal(codes("deadZone", 0.0039), 0);
  assert.equal(codes("nearestEven", 0.0039), 1);
});

Deno.test("quantizeToLevels() stays within a step, within half a step where it rounds to nearest", () => {
  fc.assert(fc.property(weights, quantizations, (values, quantization) => {
    const { scale } = levelGrid(values, quantization);
    const rounded = dequantizeWeight(quantizeToLevels(values, [values.length], quantization));
    const most = quantization.rounding === "nearestEven" ? 0.5 : 1;
    rounded.forEach((value, i) => {
      assert.ok(Math.abs(value - values[i]) <= most * scale * 1.001 + 1e-7);
    });
  }));
});

Deno.test("quantizeToLevels() leaves numbers of a fixed grid where they are, however it rounds", () => {
  fc.assert(fc.property(weights, quantizations, (values, quantization) => {
    const fixed = { ...quantization, scale: "fixed" } as const;
    const once = dequantizeWeight(quantizeToLevels(values, [values.length], fixed));
    const twice = dequantizeWeight(quantizeToLevels(once, [once.length], fixed));
    assert.deepEqual(twice, once);
  }));
});

Deno.test("quantizeToLevels() keeps the largest magnitude, and weights of nothing but 0", () => {
  const absmax = { bits: 3, rounding: "towardZero", scale: "absmax" } as const;
  assert.equal(quantizeToLevels(new Float32Array([-0.3, 0.1]), [2], absmax).codes[0], -7);
  assert.deepEqual([...quantizeToLevels(new Float32Array(2), [2], absmax).codes], [0, 0]);
});

Deno.test("quantizeToLevels() refuses what is not finite, with the name, and impossible bits", () => {
  const fixed = { bits: 8, rounding: "towardZero", scale: "fixed" } as const;
  for (const scale of ["fixed", "absmax"] as const) {
    for (const value of [NaN, Infinity]) {
      const quantize = () =>
        quantizeToLevels(
          new Float32Array([0, value]),
          [2],
          { ...fixed, scale },
          undefined,
          "fc1.weight",
        );
      assert.throws(
        quantize,
        new RangeError(
          `Cannot quantize values of "fc1.weight" to levels: its values must be finite: element 1 is ${value}`,
        ),
      );
    }
  }
  assert.throws(
    // checked by `deno task check`, as tests are run without types
    // @ts-expect-error 0 is not a width
    () => quantizeToLevels(new Float32Array([0]), [1], { ...fixed, bits: 0 }),
    /bits must be a whole number from 1 to 16: 0/,
  );
});
