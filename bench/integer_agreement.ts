/**
 * Compares fake-quantized inference in float32 with integer inference on test images, of MNIST or, of residual
 * networks, of CIFAR-10:
 *
 *     deno run --allow-read --allow-env bench/integer_agreement.ts [--images N] FILE...
 *
 * with networks of FC_NN or CNN as the training wrote them, or of ResNet-20. Weights per output and activations
 * per tensor, min-max over 2,048 training images, 8 and 4 bits; shortcuts on the grid of their block's input,
 * but in one column, which has them in float32. All test images, or the first N. Prints a table in Markdown.
 */
import { parseArgs } from "node:util";
import { reportError } from "../cli/report_error.ts";
import { readCheckpointFile } from "../cli/checkpoint_file.ts";
import { chooseWeightGrids, dequantizeWeight, roundToGrids } from "../compression/mod.ts";
import {
  type Chunk,
  chunksOf,
  type Dataset,
  firstImages,
  loadDataset,
  uploadImages,
} from "../data/mod.ts";
import { decodeSafetensors, UserError } from "../formats/mod.ts";
import { type Device, openDevice } from "../gpu/mod.ts";
import {
  cnn,
  fcNN,
  foldBatchNorms,
  type FoldedNetwork,
  type Model,
  parameterShape,
  resnet,
  uploadParameters,
} from "../models/mod.ts";
import {
  type ActivationRanges,
  calibrate,
  decodeNetwork,
  evaluate,
  gridsOfRanges,
  integerAgreement,
  type IntegerNetworkSource,
  quantizedInputs,
  RANGE_IMAGES,
  type SavedNetwork,
} from "../training/mod.ts";

const HEAD =
  "| network | bits | requantization | codes that differ, by layer | largest | predictions " +
  "that differ | right, shortcuts in float32 | right, float32 | right, integers | largest logit difference |\n" +
  "| - | - | - | - | - | - | - | - | - | - |";

const MODELS = [fcNN(), cnn(), resnet()];

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

/** Weights, biases and grids of a folded network at one width. */
function quantizeNetwork(
  { model, parameters }: FoldedNetwork,
  ranges: ActivationRanges,
  bits: 4 | 8,
): IntegerNetworkSource {
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
  return { parameters, weights, inputGrids: gridsOfRanges(model, ranges, bits) };
}

/** Images that fake quantization gets right where shortcuts stay in float32. */
async function correctWithFloatShortcuts(
  device: Device,
  model: Model,
  { parameters, weights, inputGrids }: IntegerNetworkSource,
  images: readonly Chunk[],
): Promise<number> {
  using _scope = device.scope();
  const rounded = Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, dequantizeWeight(weight)]),
  );
  const { tensors } = uploadParameters(device, model, [{ ...parameters, ...rounded }]);
  const layerInput = quantizedInputs(device, [inputGrids]);
  const [{ correct }] = await evaluate(model, tensors, 1, images, { layerInput });
  return correct;
}

function percent(part: number, whole: number): string {
  return `${Number((100 * part / whole).toPrecision(2))} %`;
}

/** Compares the two kinds of inference of a network, a row of the table for each width and rescaling. */
async function printRows(
  device: Device,
  network: Network,
  calibration: readonly Chunk[],
  images: readonly Chunk[],
): Promise<void> {
  using _scope = device.scope();
  const folded = foldBatchNorms(network.model, network.parameters);
  const { model } = folded;
  const { tensors } = uploadParameters(device, model, [folded.parameters]);
  const { ranges } = await calibrate(device, model, tensors, calibration);
  const { seed } = network.metadata;
  for (const bits of [8, 4] as const) {
    const quantized = quantizeNetwork(folded, ranges, bits);
    const withFloats = await correctWithFloatShortcuts(device, model, quantized, images);
    for (const kind of ["float", "fixedPoint"] as const) {
      const found = await integerAgreement(device, model, quantized, images, kind);
      const later = found.codes.slice(1);
      console.log(
        `| ${model.title}${seed === undefined ? "" : `, seed ${seed}`} | ${bits} | ${kind} | ` +
          `${later.map(({ differing, count }) => percent(differing, count)).join(", ")} | ` +
          `${Math.max(...found.codes.map(({ largest }) => largest))} | ` +
          `${found.differingPredictions} of ${found.count} | ${withFloats} | ${found.correctInFloat} | ` +
          `${found.correctInIntegers} | ${found.largestLogitShare.toExponential(1)} |`,
      );
    }
  }
}

/** How many test images to compare on: all if it is not said. */
function imageCount(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const count = Number(given);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UserError(
    `Cannot compare inference: --images must be a whole number from 1: "${given}"`,
  );
}

function readArguments(args: string[]) {
  try {
    const options = { images: { type: "string" } } as const;
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UserError(`Cannot compare inference: ${(error as Error).message}`);
  }
}

async function compare(args: string[]): Promise<void> {
  const { values, positionals } = readArguments(args);
  if (positionals.length === 0) {
    throw new UserError(
      "Cannot compare inference: there must be a safetensors file of FC_NN, CNN or ResNet-20 at least: " +
        "none is named",
    );
  }
  const count = imageCount(values.images);
  const networks: Network[] = [];
  for (const path of positionals) networks.push(await readNetwork(path));
  using device = await openDevice();
  const loaded: Record<string, Dataset> = {};
  console.log(HEAD);
  for (const network of networks) {
    using _scope = device.scope();
    const { inputShape: [channels], normalization } = network.model;
    const name = channels === 3 ? "cifar10" : "mnist";
    const { train, test } = loaded[name] ??= await loadDataset(name);
    const upload = (set: typeof test) => chunksOf(device, uploadImages(device, set, normalization));
    const images = upload(firstImages(test, Math.min(count ?? test.count, test.count)));
    await printRows(device, network, upload(firstImages(train, RANGE_IMAGES)), images);
  }
}

try {
  await compare(Deno.args);
} catch (error) {
  Deno.exitCode = reportError(error);
}
