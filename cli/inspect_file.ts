import {
  type CheckpointSummary,
  summarizeCheckpoint,
  type TensorSummary,
} from "../experiments/inspect/checkpoint_summary.ts";
import type { Model } from "../models/mod.ts";
import { decodeNetwork, quantizationAware } from "../training/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import { plainTable } from "./plain_table.ts";
import { trainingCommand } from "./train_resume.ts";
import { trainedQuantization } from "./trained_quantization.ts";

/** Metadata that says nothing to a person, or is said by the command that trained. */
const UNTOLD = ["format", "options", "curve"];

const count = (value: number): string => value.toLocaleString("en-US");

/** The parameters of a layer stand together, whatever their order in the file. */
function byLayer(tensors: readonly TensorSummary[], model: Model | undefined): TensorSummary[] {
  if (model === undefined) return [...tensors];
  const order = model.parameters.map(({ name }) => name);
  return tensors.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

function rowOf(tensor: TensorSummary): string[] {
  const { name, dtype, shape, low, high, zeros, levels, channels, deadChannels, bytes } = tensor;
  const number = (value: number) => Number.isNaN(value) ? "-" : value.toPrecision(4);
  return [
    name,
    shape.join(" x ") || "scalar",
    count(tensor.count),
    number(low),
    number(high),
    tensor.count === 0 ? "-" : (100 * zeros / tensor.count).toFixed(2),
    channels > 1 ? `${deadChannels} of ${channels}` : "-",
    count(levels),
    dtype,
    count(bytes),
  ];
}

/**
 * Writes what a file holds for a person.
 *
 * @param path The file, as it was typed.
 * @param summary What it holds.
 * @param model What it must be, if that was said.
 * @param isTrainedQuantized Whether it was trained under quantization.
 * @returns A table, and what is to be said of the whole file.
 */
function describeCheckpoint(
  path: string,
  { tensors, parameters, training, bytes, metadata }: CheckpointSummary,
  model: Model | undefined,
  isTrainedQuantized: boolean = false,
): string {
  const head = ["tensor", "shape", "values", "lowest", "highest", "zeros, %", "dead channels"];
  const right = [2, 3, 4, 5, 6, 7, 9];
  const rows = byLayer(tensors, model).map(rowOf);
  const broken = tensors.filter(({ notFinite }) => notFinite > 0)
    .map(({ name, notFinite }) => `${name} has ${count(notFinite)} values that are not finite`);
  const trainedBy = trainingCommand(metadata);
  const network = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const layers = model === undefined ? "" : `${model.title}, ${model.layers.length} layers, `;
  return [
    plainTable([...head, "levels", "type", "bytes"], rows, right),
    `${path}: ${layers}${count(parameters)} values in ${tensors.length} tensors, ` +
    `${count(network)} bytes; file ${count(bytes)} bytes, header ` +
    `${count(bytes - network - training.bytes)}`,
    ...training.tensors === 0 ? [] : [
      `to train on: ${training.tensors} tensors of the optimizer or before averaging, ` +
      `${count(training.bytes)} bytes`,
    ],
    ...broken,
    ...isTrainedQuantized
      ? [
        "trained under quantization: weights are the float32 ones that the optimizer moves; " +
        "compare it with another file to see what it computes with",
      ]
      : [],
    ...trainedBy === undefined ? [] : [`trained by: ${trainedBy}`],
    ...Object.entries(metadata).filter(([key]) => !UNTOLD.includes(key))
      .map(([key, value]) => `${key}: ${value}`),
  ].join("\n");
}

/**
 * Shows one file.
 *
 * @param path Where it is.
 * @param shown As it was typed.
 * @param asked What it must be, if that was said: the float model.
 * @param json True to print JSON instead of a table.
 * @throws {UserError} If it cannot be read, is no safetensors file or not of the model.
 */
export async function inspectFile(
  path: string,
  shown: string,
  asked: Model | undefined,
  json: boolean,
): Promise<void> {
  const bytes = await readCheckpointFile(path);
  const trained = trainedQuantization(bytes, shown);
  const model = asked && trained ? quantizationAware(asked, trained) : asked;
  if (model !== undefined) decodeNetwork(model, bytes, shown);
  const summary = summarizeCheckpoint(bytes, shown);
  const about = { path: shown, ...model && { model: model.title, layers: model.layers } };
  console.log(
    json
      ? JSON.stringify({ ...about, ...summary })
      : describeCheckpoint(shown, summary, model, trained !== undefined),
  );
}
