import { join } from "node:path";
import { chunksOf, firstImages, loadDataset, uploadImages } from "../data/mod.ts";
import { drawComparison } from "../experiments/charts/draw_comparison.ts";
import { writeCsv } from "../experiments/csv.ts";
import type { ActivationRanges } from "../experiments/execute/calibrate.ts";
import {
  type ComparedAccuracy,
  compareNetworks,
  type NetworkComparison,
} from "../experiments/inspect/compare_networks.ts";
import { observeInputs } from "../experiments/inspect/observe_inputs.ts";
import { plainVariant, quantizeNetwork, type Variant } from "../experiments/inspect/variant.ts";
import { checkOutput, writeFile } from "../experiments/write_file.ts";
import { decodeSafetensors } from "../formats/mod.ts";
import { type Device, openDevice } from "../gpu/mod.ts";
import {
  createModel,
  foldBatchNorms,
  type HostParameters,
  type Model,
  type ModelSpec,
  uploadParameters,
} from "../models/mod.ts";
import { decodeNetwork } from "../training/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import { downloadProgress } from "./download_progress.ts";
import { gitCommit } from "./git_commit.ts";
import { userPath } from "./options.ts";
import { plainTable } from "./plain_table.ts";
import type { VariantSpec } from "./variant_spec.ts";

/** Training images on which the ranges of activations are found, as in sweeps. */
const CALIBRATION_IMAGES = 2048;

/** What a comparison of two networks is told. */
export interface PairOptions {
  /** The architecture. */
  readonly model: ModelSpec;
  /** Name or place of the data set. */
  readonly dataset: string;
  /** Folder or address of a data set that is known by name. */
  readonly data?: string;
  /** How many test images at most. */
  readonly images: number;
  /** Where chart and CSV go. */
  readonly out: string;
  /** True to print JSON instead of a table. */
  readonly json: boolean;
}

/** A network in a file, its batch norms folded; one that was written without them may stay so. */
function foldedNetwork(model: Model, bytes: Uint8Array, label: string): HostParameters {
  const { batchNorms } = model;
  const norm = batchNorms?.places[0].norm;
  const isFolded = batchNorms !== undefined &&
    !decodeSafetensors(bytes, label).tensors.has(`${norm}.weight`);
  if (isFolded) return decodeNetwork(batchNorms.folded(), bytes, label).parameters;
  return foldBatchNorms(model, decodeNetwork(model, bytes, label).parameters).parameters;
}

/** Makes what was asked for of a network. */
async function buildVariant(
  device: Device,
  model: Model,
  parameters: HostParameters,
  { quantization }: VariantSpec,
  calibration: () => ReturnType<typeof chunksOf>,
): Promise<Variant> {
  if (quantization === undefined) return plainVariant(parameters);
  let ranges: ActivationRanges = {};
  const { activationBits, calibration: observer = { kind: "minMax" } } = quantization;
  if (activationBits !== undefined) {
    using _scope = device.scope();
    const { tensors } = uploadParameters(device, model, [parameters]);
    const images = calibration();
    ranges = await observeInputs(device, model, tensors, images, observer, activationBits);
  }
  return quantizeNetwork(model, parameters, quantization, ranges);
}

const HEAD = ["layer", "tensor", "SQNR, dB", "largest difference", "clipped, %"];

function showDecibels(value: number): string {
  if (value === Infinity) return "equal";
  return Number.isFinite(value) ? value.toFixed(1) : String(value);
}

/** Biases that nothing was done to are no news. */
function tableOf({ tensors }: NetworkComparison): string {
  const rows = tensors.filter(({ part, signalToNoise }) =>
    part !== "bias" || signalToNoise !== Infinity
  ).map(({ layer, part, signalToNoise, largest, clipped, channels, deadA, deadB }) => [
    layer,
    part,
    showDecibels(signalToNoise),
    largest === 0 ? "0" : largest.toPrecision(3),
    clipped === undefined ? "-" : (100 * clipped).toFixed(3),
    deadA,
    deadB,
    channels,
  ]);
  return plainTable([...HEAD, "dead in A", "dead in B", "channels"], rows, [2, 3, 4, 5, 6, 7]);
}

function showAccuracy({ accuracy, loss }: ComparedAccuracy): string {
  return `${(100 * accuracy).toFixed(2)} %, loss ${loss.toFixed(4)}`;
}

function showChange({ changed, images, lost, gained }: NetworkComparison): string {
  const count = Math.round(changed * images);
  return `${count} of ${images} predictions changed (${(100 * changed).toFixed(2)} %): ${lost} ` +
    `right ones lost, ${gained} gained`;
}

/** All that is said beneath the table. */
function sentences(
  [a, b]: readonly [VariantSpec, VariantSpec],
  result: NetworkComparison,
): string[] {
  const { first } = result;
  return [
    `A ${a.text}: ${showAccuracy(result.a)}`,
    `B ${b.text}: ${showAccuracy(result.b)}`,
    showChange(result),
    first === undefined ? "no tensor differs" : `first difference: ${first.part} of ${first.layer}`,
  ];
}

function csvOf({ tensors }: NetworkComparison): string {
  const header = ["layer", "tensor", "signalToNoise", "largest", "clipped"];
  return writeCsv(
    [...header, "deadA", "deadB", "channels"],
    tensors.map(({ layer, part, signalToNoise, largest, clipped, deadA, deadB, channels }) => [
      layer,
      part,
      // an empty cell would not tell equal tensors from broken ones
      Number.isFinite(signalToNoise)
        ? signalToNoise
        : String(signalToNoise).replace("Infinity", "inf").replace("NaN", "nan"),
      largest,
      clipped,
      deadA,
      deadB,
      channels,
    ]),
  );
}

/**
 * Compares two networks of one model and shows where they differ.
 *
 * @param specs Both, as they were typed.
 * @param options Model, images, and where results go.
 * @throws {UserError} If a file cannot be read or is of another model, or nothing can be written.
 */
export async function inspectPair(
  specs: readonly [VariantSpec, VariantSpec],
  { model: spec, dataset: place, data, images, out, json }: PairOptions,
): Promise<void> {
  const [a, b] = specs;
  const files = new Map<string, Uint8Array>();
  for (const { path } of specs) {
    if (path !== undefined) files.set(path, await readCheckpointFile(userPath(path)));
  }
  checkOutput(out);
  const dataset = await loadDataset(place, { directory: data, onProgress: downloadProgress() });
  const { test, train, classes, name } = dataset;
  const trained = createModel(spec, [test.channels, test.height, test.width], classes.length);
  const model = trained.batchNorms?.folded() ?? trained;
  const parametersOf = (path: string) => foldedNetwork(trained, files.get(path)!, path);
  const parametersA = parametersOf(a.path!);
  const parametersB = b.path === undefined ? parametersA : parametersOf(b.path);

  using device = await openDevice();
  using _scope = device.scope();
  const upload = (set: typeof test) =>
    chunksOf(device, uploadImages(device, set, model.normalization));
  const calibration = () => upload(firstImages(train, CALIBRATION_IMAGES));
  const variantA = await buildVariant(device, model, parametersA, a, calibration);
  const variantB = await buildVariant(device, model, parametersB, b, calibration);
  const chunks = upload(firstImages(test, images));
  const result = await compareNetworks(device, model, variantA, variantB, chunks);

  const batchNorms = trained.batchNorms ? ["Batch norms are folded."] : [];
  const adapter = `${device.info.name}${device.isSoftware ? " (software adapter)" : ""}`;
  const chart = drawComparison(result, {
    title: `${trained.title} on ${name}: B against A, layer by layer`,
    caption: [
      ...sentences(specs, result).slice(0, 3).map((sentence) => `${sentence}.`),
      ...batchNorms,
      `${result.images} test images; ${adapter};`,
      `commit ${(await gitCommit()).slice(0, 12)}.`,
    ].join(" "),
  });
  const at = (file: string) => join(out, file);
  writeFile(at("comparison.png"), chart);
  writeFile(at("comparison.csv"), csvOf(result));
  if (json) {
    const about = { model: trained.title, dataset: name, adapter };
    console.log(JSON.stringify({ ...about, variants: specs.map(({ text }) => text), ...result }));
    return;
  }
  console.log(`${trained.title} on ${result.images} test images of ${name}, adapter: ${adapter}`);
  console.log(tableOf(result));
  for (const line of [...sentences(specs, result), ...batchNorms]) console.log(line);
  console.log(at("comparison.png"));
}
