/**
 * Compares fake-quantized inference in float32 with integer inference on MNIST's 10,000 test images:
 *
 *     deno run --allow-read --allow-env bench/integer_agreement.ts FILE...
 *
 * with networks of FC_NN or CNN as the training wrote them. Weights per output and activations per tensor, min-max
 * over 2,048 training images, 8 and 4 bits. Prints a table in Markdown.
 */
import { chooseQuantParams, chooseWeightGrids, roundToGrids } from "../compression/mod.ts";
import { chunksOf, firstImages, loadMnist, uploadImages } from "../data/mod.ts";
import { calibrate } from "../experiments/execute/calibrate.ts";
import { openDevice } from "../gpu/mod.ts";
import { cnn, fcNN, parameterShape, uploadParameters } from "../models/mod.ts";
import { decodeNetwork, integerAgreement, type SavedNetwork } from "../training/mod.ts";

const CALIBRATION_IMAGES = 2048;

using device = await openDevice();
const { train, test } = await loadMnist();
const models = [fcNN(), cnn()];
const calibration = chunksOf(device, uploadImages(device, firstImages(train, CALIBRATION_IMAGES)));
const images = chunksOf(device, uploadImages(device, test));

console.log(
  "| network | bits | requantization | codes that differ, by layer | largest | predictions that differ " +
    "| right, float32 | right, integers | largest logit difference |",
);
console.log("| - | - | - | - | - | - | - | - | - |");

/** The network of a file, as the one of the models that it fits. */
function decode(bytes: Uint8Array, path: string): SavedNetwork & { model: typeof models[number] } {
  const failures: unknown[] = [];
  for (const model of models) {
    try {
      return { model, ...decodeNetwork(model, bytes, path) };
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

for (const path of Deno.args) {
  const { model, parameters, metadata } = decode(await Deno.readFile(path), path);
  const { tensors } = uploadParameters(device, model, [parameters]);
  const ranges = await calibrate(device, model, tensors, calibration);
  for (const bits of [8, 4] as const) {
    const weights = Object.fromEntries(model.layers.map((layer) => {
      const name = `${layer}.weight`;
      const shape = parameterShape(model, name);
      const grids = chooseWeightGrids(parameters[name], shape, {
        grid: { kind: "affine", bits },
        granularity: "channel",
        observer: { kind: "minMax" },
      });
      return [name, roundToGrids(parameters[name], shape, grids)];
    }));
    const inputGrids = Object.fromEntries(
      model.layers.map((layer) => [layer, chooseQuantParams(ranges[layer], bits)]),
    );
    const quantized = { parameters, weights, inputGrids };
    for (const kind of ["float", "fixedPoint"] as const) {
      const found = await integerAgreement(device, model, quantized, images, kind);
      const later = found.codes.slice(1);
      console.log(
        `| ${model.title}, seed ${metadata.seed} | ${bits} | ${kind} | ` +
          `${later.map(({ differing, count }) => `${differing} of ${count}`).join(", ")} | ` +
          `${Math.max(...found.codes.map(({ largest }) => largest))} | ` +
          `${found.differingPredictions} | ${found.correctInFloat} | ${found.correctInIntegers} | ` +
          `${found.largestLogitShare.toExponential(1)} |`,
      );
    }
  }
}
