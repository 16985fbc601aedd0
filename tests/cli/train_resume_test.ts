import assert from "node:assert/strict";
import { completeRecipe, type Recipe } from "../../cli/train_recipe.ts";
import { commandOf, readCheckpoint, resumedRecipe, trainMetadata } from "../../cli/train_resume.ts";
import { encodeSafetensors } from "../../formats/mod.ts";

const recipe: Recipe = completeRecipe({
  model: "cnn",
  dataset: "mnist",
  epochs: 10,
  batchSize: 128,
  optimizer: "sgd",
  nesterov: true,
  augment: true,
  patience: 3,
  schedule: "one_cycle",
});
const points = [
  { epoch: 1, trainingLoss: 0.1 + 0.2, validationLoss: 1 / 3, validationAccuracy: 0.9 },
  { epoch: 2, trainingLoss: 0.25, validationLoss: 0.2, validationAccuracy: 0.95 },
];

/** Writes a checkpoint of nothing but metadata and reads it back. */
async function readBack(metadata: Readonly<Record<string, string>>) {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    await Deno.writeFile(path, encodeSafetensors(new Map(), metadata));
    return await readCheckpoint(path);
  } finally {
    await Deno.remove(path);
  }
}

/** What is typed in full, beside a checkpoint. */
function resume(typed: Partial<Recipe>, earlier: Partial<Recipe>): Recipe {
  const checkpoint = { path: "m", bytes: new Uint8Array(), recipe: earlier, points };
  return resumedRecipe({ ...recipe, ...typed }, new Set(Object.keys(typed)), checkpoint);
}

Deno.test("readCheckpoint() gives back recipe and curve to the last bit", async () => {
  const read = await readBack({ ...trainMetadata(recipe, points) });
  assert.deepEqual(read.recipe, recipe);
  assert.deepEqual(read.points, points);
  assert.deepEqual((await readBack({ seed: "7" })).recipe, { seed: 7 }, "of another origin");
});

Deno.test("readCheckpoint() refuses metadata that no training wrote", async () => {
  const { options, curve } = trainMetadata(recipe, points);
  const broken = [
    { options: "{", curve },
    { options: "null", curve },
    { options: "{}", curve },
    { options: options.replace("10", '"10"'), curve },
    { options: options.replace("nesterov", "nestor"), curve },
    { options, curve: "[null]" },
    { options, curve: '[{"epoch":1,"trainingLoss":"x"}]' },
  ];
  for (const metadata of broken) {
    await assert.rejects(readBack(metadata), {
      name: "UserError",
      message: /^Cannot resume from /,
    });
  }
  const unknown = { options: options.replace("sgd", "sgdd"), curve };
  await assert.rejects(readBack(unknown), { message: /^Cannot find optimizer "sgdd": .*"sgd"\?$/ });
});

Deno.test("resumedRecipe() takes the checkpoint's options, and refuses others in one line", () => {
  const earlier = { ...recipe, epochs: 20, seed: 3 };
  assert.deepEqual(resume({}, earlier), earlier, "defaults are not typed");
  assert.deepEqual(resume({ epochs: 20 }, earlier), earlier);
  assert.throws(() => resume({ epochs: 30, dropout: 0.5 }, { ...earlier, nesterov: undefined }), {
    name: "UserError",
    message:
      "Cannot resume from m: options must be those of the checkpoint: --epochs 30 where it " +
      "has 20, --dropout 0.5 where it has none",
  });
  assert.throws(() => resume({ seed: 1 }, { seed: 3 }), { message: /: --seed 1 where it has 3$/ });
  assert.deepEqual(resume({ epochs: 7 }, { seed: 3 }), { ...recipe, epochs: 7, seed: 3 });
});

Deno.test("resumedRecipe() may go on for longer at a constant rate only", () => {
  const earlier = { ...recipe, schedule: "constant" } as const;
  assert.equal(resume({ epochs: 30 }, earlier).epochs, 30);
  assert.equal(resume({}, earlier).epochs, 10);
  assert.throws(() => resume({ epochs: 30 }, recipe), { message: /--epochs 30 where it has 10$/ });
});

Deno.test("commandOf() writes the command that trains the same", () => {
  assert.equal(
    commandOf(recipe),
    "deno task train --model cnn --dataset mnist --epochs 10 --batch-size 128 --optimizer sgd " +
      "--learning-rate 0.05 --weight-decay 0 --momentum 0.9 --nesterov --schedule one_cycle " +
      "--augment --validate --patience 3 --seed 0",
  );
});
