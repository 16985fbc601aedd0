import { createCanvas, loadImage } from "@napi-rs/canvas";
import assert from "node:assert/strict";
import { drawTrainingCurve } from "../../experiments/charts/draw_training_curve.ts";
import { seriesStyle } from "../../experiments/charts/palette.ts";

const points = Array.from({ length: 20 }, (_, i) => ({
  epoch: i + 1,
  trainingLoss: 2 / (i + 1),
  validationLoss: 2.2 / (i + 1),
  validationAccuracy: 0.9 - 0.5 / (i + 1),
}));
const lossesOnly = points.map(({ epoch, trainingLoss }) => ({ epoch, trainingLoss }));

/** Counts pixels of about one color in columns from one share of the width to another. */
async function colored(png: Uint8Array, hex: string, from = 0, to = 1): Promise<number> {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const left = Math.round(from * image.width);
  const width = Math.round((to - from) * image.width);
  const { data } = context.getImageData(left, 0, width, image.height);
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const distance = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
    if (distance < 12) count++;
  }
  return count;
}

Deno.test("drawTrainingCurve() draws losses on the left and accuracy on the right", async () => {
  const png = drawTrainingCurve("CNN on MNIST", "A caption.", points);
  const [training, validation, accuracy] = [0, 1, 2].map((index) => seriesStyle(index).color);
  for (const color of [training, validation]) {
    assert.ok(await colored(png, color, 0, 0.5) > 2000, `${color} is drawn`);
    assert.equal(await colored(png, color, 0.5, 1), 0);
  }
  assert.equal(await colored(png, accuracy, 0, 0.5), 0);
  assert.ok(await colored(png, accuracy, 0.5, 1) > 2000);
  assert.deepEqual(drawTrainingCurve("CNN on MNIST", "A caption.", points), png, "the same bytes");
  assert.notDeepEqual(drawTrainingCurve("", "A caption.", points), png, "the title is drawn");
});

Deno.test("drawTrainingCurve() has one panel over the whole width where nothing was held out", async () => {
  const png = drawTrainingCurve("CNN on MNIST", "A caption.", lossesOnly);
  const [training, validation, accuracy] = [0, 1, 2].map((index) => seriesStyle(index).color);
  assert.ok(await colored(png, training, 0.5, 1) > 1000);
  assert.equal(await colored(png, validation) + await colored(png, accuracy), 0);
});

Deno.test("drawTrainingCurve() draws a single epoch and hundreds", () => {
  const many = Array.from({ length: 500 }, (_, i) => ({ ...points[0], epoch: i + 1 }));
  for (const some of [points.slice(0, 1), points.slice(0, 2), many]) {
    assert.ok(drawTrainingCurve("title", "caption", some).length > 10_000);
  }
});
