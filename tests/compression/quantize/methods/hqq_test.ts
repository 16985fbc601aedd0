import assert from "node:assert/strict";
import { dequantizeWeight, hqq, type HqqOptions } from "../../../../compression/mod.ts";
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
  ]
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
  for (const granularity of ["channel", { group: 16 }, "tensor"] as const) {
    for (const fitScale of [false, true]) {
      const begun = absolute({ granularity, iterations: 0 }); // the min-max grid of each group
      const found = absolute({ granularity, fitScale });
      assert.ok(found < begun * (granularity === "tensor" ? 1 + 1e-6 : 0.95), `${found}, ${begun}`);
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
    assert.ok(distances[code] <= Math.min(...distances) + 1e-6);
  });
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

Deno.test("hqq() refuses settings that do not exist, and weights that are not finite", () => {
  const bad: Partial<HqqOptions>[] = [{ bits: 0 }, { bits: 9 }, { p: 0 }, { p: 2 }, { beta: 0 }];
  for (const options of [...bad, { granularity: { group: 5 } }]) {
    assert.throws(
      () => hqq(heavy, [1, 64], { bits: 4, granularity: "channel", ...options }),
      RangeError,
    );
  }
  assert.throws(
    () => hqq(heavy.with(9, NaN), [1, 64], { bits: 4, granularity: "channel" }),
    /element 9 is NaN/,
  );
});
