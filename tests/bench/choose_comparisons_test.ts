import assert from "node:assert/strict";
import { chooseComparisons } from "../../bench/choose_comparisons.ts";
import { comparisons } from "../../bench/comparisons.ts";

const titles = (...names: string[]) => chooseComparisons(names).map(({ title }) => title);

Deno.test("chooseComparisons() takes a workload by its name, and no other that begins like it", () => {
  assert.deepEqual(titles("conv2d"), [
    "conv2d 1->16 @28",
    "conv2d 16->32 @14",
    "conv2d 64->64 @32",
  ]);
  const both = chooseComparisons(["cnn_step", "conv2d"]).map(({ workload }) => workload);
  assert.deepEqual(both, ["conv2d", "conv2d", "conv2d", "cnn_step", "cnn_step"]);
});

Deno.test("chooseComparisons() takes parts of titles in any case, and each row once", () => {
  const largest = [
    "conv2d 64->64 @32",
    "conv2d input gradient 64->64 @32",
    "conv2d weight gradient 64->64 @32",
  ];
  assert.deepEqual(titles("64->64 @32"), largest);
  assert.deepEqual(titles("64->64", "@32", "CONV2D WEIGHT GRADIENT 64"), largest);
});

Deno.test("chooseComparisons() takes everything without names", () => {
  assert.deepEqual(chooseComparisons([]), comparisons);
});

Deno.test("chooseComparisons() names what is known and what is near", () => {
  assert.throws(() => chooseComparisons(["conv2d", "cnn_steps"]), {
    name: "UserError",
    message:
      /^Cannot find workload "cnn_steps": known are matmul, conv2d, .*: did you mean "cnn_step"\?$/,
  });
});
