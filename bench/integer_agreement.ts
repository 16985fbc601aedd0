/**
 * Compares fake-quantized inference in float32 with integer inference on MNIST's 10,000 test images:
 *
 *     deno run --allow-read --allow-env bench/integer_agreement.ts FILE...
 *
 * with networks of FC_NN or CNN as the training wrote them. Weights per output and activations per tensor, min-max
 * over 2,048 training images, 8 and 4 bits. Prints a table in Markdown.
 */
import { reportError } from "../cli/report_error.ts";
import { readCheckpointFile } from "../cli/checkpoint_file.ts";
import { chooseQuantParams, chooseWeightGrids, roundToGrids } from "../compression/mod.ts";
import { type Chunk, chunksOf, firstImages, loadMnist, uploadImages } from "../data/mod.ts";
import { decodeSafetensors, UserError } from "../formats/mod.ts";
import { type Device, openDevice } from "../gpu/mod.ts";
import { cnn, fcNN, type Model, parameterShape, uploadParameters } from "../models/mod.ts";
import {
  calibrate,
  decodeNetwork,
  integerAgreement,
  RANGE_IMAGES,
  type SavedNetwork,
} from "../training/mod.ts";

const HEAD =
  "| network | bits | requantization | codes that differ, by layer | largest | predictions " +
  "that differ | right, float32 | right, integers | largest logit difference |\n" +
  "| - | - | - | - | - | - | - | - | - |";

const MODELS = [fcNN(), cnn()];

/** A network, and which of the models it is. */
type Network = SavedNetwork & { readonly model: Model };

/** Reads a network as the one of the models whose weights have its shapes. */
async function readNetwork(path: string): Promise<Network> {
  const bytes = await readCheckpointFile(path);
  const { tensors } = decodeSafetensors(bytes, path);
  const model =
    MODELS.find(({ parameters }) =>
      parameters.every(({ name, shape }) => `${tensors.get(name)?.shape}` === `${shape}`)
    ) ?? MODELS[0];
  return { model, ...decodeNetwork(model, bytes, path) };
}

/** Compares the two kinds of inference of a network, a row of the table for each width and rescaling. */
async function printRows(
  device: Device,
  { model, parameters, metadata }: Network,
  calibration: readonly Chunk[],
  images: readonly Chunk[],
): Promise<void> {
  using _scope = device.scope();
  const { tensors } = uploadParameters(device, model, [parameters]);
  const { ranges } = await calibrate(device, model, tensors, calibration);
  for (const bits of [8, 4] as const) {
    const weights = Object.fromEntries(model.layers.map((layer) => {
      const name = `${layer}.weight`;
      const shape = parameterShape(model, name);
      const grids = chooseWeightGrids(parameters[name], shape, {
        grid: { kind: "affine", bits },
        granularity: "channel",
        observer: { kind: "minMax" },
        label: name,
      });
      return [name, roundToGrids(parameters[name], shape, grids)];
    }));
    const inputGrids = Object.fromEntries(
      model.layers.map((layer) => [layer, chooseQuantParams(ranges[layer], bits, layer)]),
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

async function compare(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) {
    throw new UserError(
      "Cannot compare inference: there must be a safetensors file of FC_NN or CNN at least: none is named",
    );
  }
  const networks: Network[] = [];
  for (const path of paths) networks.push(await readNetwork(path));
  const { train, test } = await loadMnist();
  using device = await openDevice();
  const upload = (set: typeof test) => chunksOf(device, uploadImages(device, set));
  const calibration = upload(firstImages(train, RANGE_IMAGES));
  const images = upload(test);
  console.log(HEAD);
  for (const network of networks) await printRows(device, network, calibration, images);
}

try {
  await compare(Deno.args);
} catch (error) {
  Deno.exitCode = reportError(error);
}
