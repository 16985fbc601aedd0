import assert from "node:assert/strict";
import { quantizationOf, quantizedModel } from "../../cli/train_quantization.ts";
import { completeRecipe, type RecipeOptions } from "../../cli/train_recipe.ts";
import { commandOf } from "../../cli/train_resume.ts";
import { fcNN } from "../../models/mod.ts";
import { usual } from "./usual_recipe.ts";

/** What usual options with others quantize. */
function quantization(options: Partial<RecipeOptions>) {
  return quantizationOf(completeRecipe({ ...usual, ...options }));
}

Deno.test("quantizationOf() takes granularity and falling bits, and channels if left out", () => {
  const lsq = { quantize: "lsq", weightBits: "2" } as const;
  const weights = { kind: "learnedStep", bits: 2, granularity: "channel" };
  assert.deepEqual(quantization(lsq), { weights });
  assert.deepEqual(quantization({ ...lsq, granularity: "tensor" }), {
    weights: { ...weights, granularity: "tensor" },
  });
  assert.deepEqual(quantization({ ...lsq, granularity: "16", progressive: "8:2000" }), {
    weights: { ...weights, granularity: { group: 16 } },
    progressive: { bits: 8, steps: 2000 },
  });
  const recipe = completeRecipe({ ...usual, ...lsq, granularity: "16", progressive: "8:2000" });
  assert.match(commandOf(recipe), / --weight-bits 2 --granularity 16 --progressive 8:2000 /);
});

Deno.test("quantizationOf() lets ranges of inputs warm up", () => {
  const options = { quantize: "straight_through", activationBits: 4, warmUp: 500 } as const;
  const inputs = { kind: "straightThrough", bits: 4, warmUp: 500 };
  assert.deepEqual(quantization(options), { inputs });
  assert.match(commandOf(completeRecipe({ ...usual, ...options })), / --warm-up 500 /);
});

Deno.test("quantizationOf() refuses what does not go together in one line", () => {
  const lsq = { quantize: "lsq", weightBits: "2" } as const;
  const refused: readonly [Partial<RecipeOptions>, RegExp][] = [
    [
      { granularity: "tensor" },
      /^Cannot use --granularity: --quantize must say how: it is left out$/,
    ],
    [
      { progressive: "8:10" },
      /^Cannot use --progressive: --quantize must say how: it is left out$/,
    ],
    [
      { ...lsq, granularity: "row" },
      /--granularity row: it must be tensor, channel or a whole number/,
    ],
    [{ ...lsq, granularity: "0" }, /^Cannot use --granularity 0: /],
    [
      { quantize: "lsq", activationBits: 2, granularity: "tensor" },
      /^Cannot use --granularity: it is of weights, so --weight-bits must be given: it is left out$/,
    ],
    [{ warmUp: 9 }, /^Cannot use --warm-up: --quantize must say how: it is left out$/],
    [
      { quantize: "dorefa", weightBits: "2", warmUp: 9 },
      /^Cannot use --warm-up: it is of activations, so --activation-bits must be given: it is left out$/,
    ],
    [
      { quantize: "pact", activationBits: 2, warmUp: 9 },
      /^Cannot use --warm-up: --quantize must be straight_through or dorefa: found pact$/,
    ],
    [{ ...lsq, progressive: "8" }, /^Cannot use --progressive 8: it must be BITS:STEPS, /],
    [{ ...lsq, progressive: "17:10" }, /^Cannot use --progressive 17:10: /],
    [{ ...lsq, progressive: "8:0" }, /^Cannot use --progressive 8:0: /],
    [
      { ...lsq, progressive: "2:10" },
      /^Cannot train .*: falling bit-widths must begin above .*: 2$/,
    ],
    [
      { quantize: "dorefa", weightBits: "2", progressive: "8:10" },
      /^Cannot train under quantization: falling bit-widths .*, or nothing falls: 8$/,
    ],
    [
      { ...lsq, progressive: "8:10", ema: true },
      /^Cannot train under quantization: weights must not be averaged while bits fall: /,
    ],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => quantization(options), { name: "UserError", message });
  }
});

Deno.test("quantizedModel() refuses groups that do not divide rows, and names the layers", () => {
  const lsq = { quantize: "lsq", weightBits: "2" } as const;
  const float = fcNN();
  assert.throws(() => quantizedModel(float, quantization({ ...lsq, granularity: "64" })), {
    name: "UserError",
    message: "Cannot use --granularity: a group of 64 weights must divide every row: one of " +
      "fc1.weight has 784, one of fc3.weight has 32",
  });
  const { parameters } = quantizedModel(float, quantization({ ...lsq, granularity: "16" }));
  const { shape } = parameters.find(({ name }) => name === "fc2.weight.step")!;
  assert.deepEqual(shape, [32 * 64 / 16]);
  assert.equal(quantizedModel(float, undefined), float);
});
