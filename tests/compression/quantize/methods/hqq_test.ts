import assert from "node:assert/strict";
import {
  chooseWeightGrids,
  type CodebookGrid,
  dequantizeWeight,
  hqq,
  type HqqOptions,
  roundToGrids,
} from "../../../../compression/mod.ts";
import { normals } from "./random_hessian.ts";

/** Many small weights and a few large ones, as a row of a trained layer has. */
const heavy = Float32Array.from(
  { length: 64 },
  (_, i) => 0.1 * Math.sin(i * i) ** 5 + (i === 7 ? 0.3 : 0),
);

// scale and zero point that the authors' optimize_weights_proximal ends with, computed in float64
for (
  const [bits, scale, zero] of [
    [2, 0.10702564815680186, 1.0043179949301735],
    [3, 0.045868134924343655, 2.077783654837072],
    [4, 0.021405129631360372, 4.834089974650868],
    [5, 0.010357320789367921, 10.00295261427846],
  ] as const
) {
  Deno.test(`hqq() to ${bits} bits ends where the authors' program does`, () => {
    const { grids } = hqq(heavy, [1, 64], { bits, granularity: "channel" });
    const [grid] = grids;
    assert.ok(grid.kind === "codebook");
    grid.levels.forEach((level, q) => assert.ok(Math.abs(level - (q - zero) * scale) < 1e-7));
  });
}

Deno.test("hqq() forgives outliers: errors are smaller in the mean than those it begins with", () => {
  const weight = normals(8 * 32, 5).map((v) => 0.03 * v ** 3);
  const absolute = (options: Omit<HqqOptions, "bits">): number => {
    const values = dequantizeWeight(hqq(weight, [8, 32], { bits: 3, ...options }));
    return weight.reduce((sum, w, i) => sum + Math.abs(w - values[i]), 0);
  };
  for (const granularity of ["channel", { group: 16 }] as const) {
    for (const fitScale of [false, true]) {
      const begun = absolute({ granularity, iterations: 0 }); // the min-max grid of each group
      const found = absolute({ granularity, fitScale });
      assert.ok(found < begun * 0.95, `${found}, ${begun}`);
    }
  }
});

Deno.test("hqq() with a fitted scale beats min-max rounding in the l_p norm where there are outliers", () => {
  const [shape, granularity] = [[8, 32], "tensor"] as const;
  for (const bits of [2, 3] as const) {
    const grid = { kind: "affine", bits } as const;
    for (let seed = 1; seed <= 4; seed++) {
      const plain = normals(8 * 32, seed);
      const weight = plain.map((v, i) => 0.1 * (i % 64 === 7 ? 8 * Math.sign(v) : v));
      const norm = (values: Float32Array) =>
        weight.reduce((sum, w, i) => sum + Math.abs(w - values[i]) ** 0.7, 0);
      const grids = chooseWeightGrids(weight, shape, { grid, granularity });
      const rounded = norm(dequantizeWeight(roundToGrids(weight, shape, grids)));
      const found = norm(
        dequantizeWeight(hqq(weight, shape, { bits, granularity, fitScale: true })),
      );
      assert.ok(found < 0.75 * rounded, `${bits} bits, seed ${seed}: ${found} against ${rounded}`);
    }
  }
});

Deno.test("hqq() gives every weight the nearest level of its group", () => {
  const weight = normals(4 * 24, 6).map((v) => v ** 3);
  const found = hqq(weight, [4, 24], { bits: 2, granularity: { group: 8 } });
  found.codes.forEach((code, i) => {
    const grid = found.grids[Math.floor(i / 8)];
    assert.ok(grid.kind === "codebook");
    const distances = [...grid.levels].map((level) => Math.abs(level - weight[i]));
    assert.equal(distances[code], Math.min(...distances));
  });
});

Deno.test("hqq() gives codes as roundToGrids() does, at a threshold too", () => {
  const weight = new Float32Array([0, 0.5, 1]);
  const found = hqq(weight, [1, 3], { bits: 1, granularity: "channel", iterations: 0 });
  const [grid] = found.grids;
  assert.deepEqual(grid, { kind: "codebook", levels: new Float32Array([0, 1]), numbers: 2 });
  assert.deepEqual([...found.codes], [0, 1, 1], "the level above");
});

Deno.test("hqq() keeps a group of equal weights as it is", () => {
  for (const value of [0, -0.75, 3]) {
    const weight = new Float32Array(6).fill(value);
    assert.deepEqual(
      dequantizeWeight(hqq(weight, [2, 3], { bits: 4, granularity: "channel" })),
      weight,
    );
  }
});

Deno.test("hqq() keeps levels apart where float32 cannot hold as many between two weights", () => {
  const values = Float32Array.of(1, 1 + 2 ** -23, 1, 1);
  const { grids, codes } = hqq(values, [1, 4], { bits: 4, granularity: "tensor" });
  const [{ levels }] = grids as CodebookGrid[];
  assert.ok(levels.every((level, i) => i === 0 || level > levels[i - 1]), `${levels}`);
  assert.ok(codes.every((code) => code < levels.length));
});

Deno.test("hqq() refuses settings that do not exist, and weights that are not finite", () => {
  const wanted =
    "Cannot quantize half-quadratically: bits must be a whole number from 1 to 8, p above 0 " +
    "to 1, beta above 0, kappa at least 1 and iterations a whole number of at least 0: they are ";
  const refused: readonly [Partial<Record<keyof HqqOptions, number>>, string][] = [
    [{ bits: 0 }, "0, 0.7, 10, 1.01 and 20"],
    [{ bits: 9 }, "9, 0.7, 10, 1.01 and 20"],
    [{ bits: 12.5 }, "12.5, 0.7, 10, 1.01 and 20"],
    [{ p: 0 }, "4, 0, 10, 1.01 and 20"],
    [{ p: 2 }, "4, 2, 10, 1.01 and 20"],
    [{ beta: 0 }, "4, 0.7, 0, 1.01 and 20"],
    [{ kappa: NaN }, "4, 0.7, 10, NaN and 20"],
    [{ iterations: -1 }, "4, 0.7, 10, 1.01 and -1"],
    [{ iterations: 2.5 }, "4, 0.7, 10, 1.01 and 2.5"],
  ];
  for (const [options, found] of refused) {
    const given = { bits: 4, granularity: "channel", ...options } as HqqOptions;
    assert.throws(() => hqq(heavy, [1, 64], given), new RangeError(wanted + found));
  }
  // @ts-expect-error 12 bits are what a code may have, but not one of this method
  const wide: HqqOptions = { bits: 12, granularity: "channel" };
  assert.throws(() => hqq(heavy, [1, 64], wide), RangeError);
  // @ts-expect-error half a bit is no bit-width
  const half: HqqOptions = { bits: 12.5, granularity: "channel" };
  assert.throws(() => hqq(heavy, [1, 64], half), RangeError);
  assert.throws(
    () => hqq(heavy, [1, 64], { bits: 4, granularity: { group: 5 }, label: "fc1.weight" }),
    /^RangeError: Cannot quantize "fc1\.weight" of shape \[1, 64\] in groups of 5: a group must divide/,
  );
  assert.throws(
    () =>
      hqq(heavy.with(9, NaN), [1, 64], { bits: 4, granularity: "channel", label: "fc1.weight" }),
    new RangeError(
      'Cannot quantize values of "fc1.weight" half-quadratically: weights must be finite: element 9 is NaN',
    ),
  );
  assert.throws(
    () => hqq(heavy, [1, 32], { bits: 4, granularity: "channel", label: "fc1.weight" }),
    /^RangeError: .*half-quadratically: they must fill shape \[1, 32\]: there are 64$/,
  );
});
