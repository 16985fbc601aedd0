import assert from "node:assert/strict";
import { completeRecipe, modelOf, planOf, type RecipeOptions } from "../../cli/train_recipe.ts";
import { usual } from "./usual_recipe.ts";

/** The plan of usual options with others. */
function plan(options: Partial<RecipeOptions> = {}, channels = 1) {
  return planOf(completeRecipe({ ...usual, ...options }), channels);
}

Deno.test("planOf() gives optimizers their usual values", () => {
  const { optimizer, schedule, epochs, batchSize, ...others } = plan();
  assert.deepEqual([schedule, epochs, batchSize], [{ kind: "one_cycle", warmup: 0.3 }, 10, 128]);
  assert.deepEqual(others, {});
  const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  assert.deepEqual(optimizer, { kind: "adam", learningRate: 2e-3, ...moments });
  assert.deepEqual(plan({ epsilon: 1e-3 }).optimizer, { ...optimizer, epsilon: 1e-3 });
  assert.deepEqual(plan({ optimizer: "adamw" }).optimizer, { ...optimizer, weightDecay: 0.01 });
  const sgd = { kind: "sgd", learningRate: 0.05, momentum: 0.9 };
  assert.deepEqual(plan({ optimizer: "sgd" }).optimizer, sgd);
  assert.deepEqual(
    plan({ optimizer: "sgd", learningRate: 0.1, nesterov: true, weightDecay: 5e-4 }).optimizer,
    { ...sgd, learningRate: 0.1, nesterov: true, weightDecay: 5e-4 },
  );
});

Deno.test("planOf() augments as asked; without parts it flips only images of color", () => {
  assert.deepEqual(plan({ augment: true }).augmentation, { cropPadding: 4, horizontalFlip: false });
  assert.deepEqual(plan({ augment: true }, 3).augmentation, {
    cropPadding: 4,
    horizontalFlip: true,
  });
  assert.deepEqual(plan({ augment: "crop" }, 3).augmentation, { cropPadding: 4 });
  assert.deepEqual(plan({ augment: "cutout:8,flip,crop:2" }).augmentation, {
    cutout: 8,
    horizontalFlip: true,
    cropPadding: 2,
  });
  for (const part of ["flop", "", "flip:2", "cutout", "crop:-1", "crop:1.5"]) {
    assert.throws(() => plan({ augment: `crop,${part}` }), {
      name: "UserError",
      message:
        `Cannot augment images by "crop,${part}": parts must be crop, crop:PADDING, flip or ` +
        `cutout:SIDE, with commas between them: found "${part}"`,
    });
  }
});

Deno.test("planOf() smooths labels and averages weights", () => {
  const { labelSmoothing, emaDecay } = plan({ labelSmoothing: 0.1, ema: true });
  assert.deepEqual([labelSmoothing, emaDecay], [0.1, 0.999]);
  assert.equal(plan({ ema: 0.9 }).emaDecay, 0.9);
});

Deno.test("planOf() refuses options that would do nothing", () => {
  const refused: readonly [Partial<RecipeOptions>, RegExp][] = [
    [{ weightDecay: 0.1 }, /^Cannot use --weight-decay: .* adamw or sgd: found adam$/],
    [{ momentum: 0.9 }, /^Cannot use --momentum: the optimizer must be sgd: found adam$/],
    [{ optimizer: "sgd", epsilon: 1e-3 }, /^Cannot use --epsilon: .* adam or adamw: found sgd$/],
    [{ optimizer: "adamw", nesterov: true }, /^Cannot use --nesterov: .*: found adamw$/],
    [{ optimizer: "sgd", momentum: 0, nesterov: true }, /there must be momentum: it is 0$/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => plan(options), { name: "UserError", message });
  }
});

Deno.test("completeRecipe() holds images out where patience asks for it", () => {
  assert.equal(completeRecipe(usual).validate, undefined);
  assert.equal(completeRecipe({ ...usual, patience: 3 }).validate, true);
});

Deno.test("modelOf() gives dropout to convolutional networks only", () => {
  const recipe = completeRecipe({ ...usual, model: "cnn:4-8", dropout: 0.25 });
  const spec = modelOf(recipe);
  assert.deepEqual(spec, { kind: "cnn", channels: [4, 8], dropout: 0.25 });
  assert.throws(() => modelOf({ ...recipe, model: "fc_nn" }), {
    name: "UserError",
    message: "Cannot use --dropout: the model must be a small convolutional network: found fc_nn",
  });
});
