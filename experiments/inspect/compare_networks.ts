import { reachOfGrid } from "../../compression/mod.ts";
import { type Chunk, splitChunk } from "../../data/mod.ts";
import { type Device, readAll, reshape, run, type Scope, type Tensor } from "../../gpu/mod.ts";
import { accuracyKernels } from "../../kernels/mod.ts";
import {
  type ForwardHooks,
  type Model,
  type ParameterTensors,
  rowsAtOnce,
  uploadParameters,
} from "../../models/mod.ts";
import { quantizedInputs } from "../../training/mod.ts";
import { compareWeights, reachesOf, reachesOfValues } from "./compare_weights.ts";
import { type DifferenceMeter, differenceMeter } from "./difference_meter.ts";
import { differs, type LayerPart, type TensorDifference } from "./tensor_difference.ts";
import type { Variant } from "./variant.ts";

/** How far one tensor of network b is from that of network a. */
export interface ComparedTensor extends TensorDifference {
  /** Name of the layer, such as `fc1`. */
  readonly layer: string;
  /** Which of its tensors. */
  readonly part: LayerPart;
}

/** How well one of two networks does on the images that they are compared on. */
export interface ComparedAccuracy {
  /** Share of the images that it gets right, 0 to 1. */
  readonly accuracy: number;
  /** Mean negative log-likelihood, in nats. */
  readonly loss: number;
  /** Images that it gets right. */
  readonly correct: number;
}

/** How two networks of one model differ on the same images. */
export interface NetworkComparison {
  /** Images that both looked at. */
  readonly images: number;
  /** Input, weight, bias and output of every layer, in the order in which they are computed with. */
  readonly tensors: readonly ComparedTensor[];
  /** The first of them that differs; absent if none does. */
  readonly first?: Pick<ComparedTensor, "layer" | "part">;
  /** How well network a does. */
  readonly a: ComparedAccuracy;
  /** How well network b does. */
  readonly b: ComparedAccuracy;
  /** Share of the images that are put into another class, 0 to 1. */
  readonly changed: number;
  /** Images that a gets right and b does not. */
  readonly lost: number;
  /** Images that b gets right and a does not. */
  readonly gained: number;
}

/** Told the tensors that flow through a network. */
type Witness = (place: string, seen: Tensor) => void;

function placeOf(layer: string, part: LayerPart): string {
  return `${layer} ${part}`;
}

/** Lets a network compute as its variant does, and shows what its layers see and give. */
function watch(
  device: Device,
  { inputs, trainedInputs }: Variant,
  meter: DifferenceMeter | undefined,
  batch: Scope,
  witness: Witness,
): ForwardHooks {
  const quantizeInput = trainedInputs?.quantize ?? quantizedInputs(device, [inputs]);
  const grids = trainedInputs?.grids ?? inputs;
  return {
    layerInput(layer, x) {
      const place = placeOf(layer, "input");
      const grid = grids[layer];
      if (grid !== undefined) meter?.clip(batch, place, x, reachOfGrid(grid));
      const seen = quantizeInput(layer, x);
      witness(place, seen);
      return seen;
    },
    layerOutput: (layer, y) => witness(placeOf(layer, "output"), y),
  };
}

/** What a network says of a batch. */
interface Answers {
  readonly predictions: Tensor;
  readonly losses: Tensor;
}

function answer(batch: Scope, logits: Tensor, { labels, count }: Chunk): Answers {
  const [, , classes] = logits.shape;
  const { predictionsOut, lossesOut } = run(accuracyKernels.predict, {
    logits: reshape(logits, [count, classes]),
    labels,
  }, { rows: count, classes, labelRows: count, networks: 1 });
  return { predictions: batch.keep(predictionsOut), losses: batch.keep(lossesOut) };
}

/** What both networks say of all images, in order, and the labels. */
interface Verdicts {
  readonly labels: ArrayLike<number>;
  readonly predictions: readonly [a: ArrayLike<number>, b: ArrayLike<number>];
  readonly losses: readonly [a: ArrayLike<number>, b: ArrayLike<number>];
}

/** Compares what every batch is answered with. */
function judge(verdicts: readonly Verdicts[]): Omit<NetworkComparison, "tensors" | "first"> {
  let [images, changed, lost, gained] = [0, 0, 0, 0];
  const correct = [0, 0];
  const losses = [0, 0];
  for (const { labels, predictions: [a, b], losses: [lossA, lossB] } of verdicts) {
    for (let i = 0; i < labels.length; i++) {
      const [rightA, rightB] = [a[i] === labels[i], b[i] === labels[i]];
      images++;
      if (a[i] !== b[i]) changed++;
      if (rightA && !rightB) lost++;
      if (rightB && !rightA) gained++;
      correct[0] += Number(rightA);
      correct[1] += Number(rightB);
      losses[0] += lossA[i];
      losses[1] += lossB[i];
    }
  }
  const of = (network: 0 | 1): ComparedAccuracy => ({
    accuracy: correct[network] / images,
    loss: losses[network] / images,
    correct: correct[network],
  });
  return { images, a: of(0), b: of(1), changed: changed / images, lost, gained };
}

/** Runs both networks on all images. */
async function compareOnImages(
  model: Model,
  [a, b]: readonly [Variant, Variant],
  [tensorsA, tensorsB]: readonly [ParameterTensors, ParameterTensors],
  chunks: readonly Chunk[],
): Promise<{
  activations: Map<string, TensorDifference>;
  judged: ReturnType<typeof judge>;
}> {
  const meter = differenceMeter();
  const answers: (readonly [Chunk, Answers, Answers])[] = [];
  // the activations of both are alive at once
  const atOnce = rowsAtOnce(model, 2);
  for (const chunk of chunks.flatMap((one) => splitChunk(one, atOnce))) {
    using batch = chunk.rows.device.scope();
    const seen = new Map<string, Tensor>();
    const logitsA = model.forward(
      tensorsA,
      chunk,
      watch(chunk.rows.device, a, undefined, batch, (place, tensor) => seen.set(place, tensor)),
    );
    const logitsB = model.forward(
      tensorsB,
      chunk,
      watch(chunk.rows.device, b, meter, batch, (place, tensor) => {
        meter.compare(batch, place, seen.get(place)!, tensor);
      }),
    );
    answers.push([chunk, answer(batch, logitsA, chunk), answer(batch, logitsB, chunk)]);
  }
  const arrays = await readAll(
    answers.flatMap(([{ labels }, one, other]) => [
      labels,
      one.predictions,
      other.predictions,
      one.losses,
      other.losses,
    ]),
  );
  const verdicts = answers.map((_, i): Verdicts => {
    const [labels, a, b, lossesA, lossesB] = arrays.slice(5 * i, 5 * i + 5);
    return { labels, predictions: [a, b], losses: [lossesA, lossesB] };
  });
  return { activations: await meter.read(), judged: judge(verdicts) };
}

/** Compares weights and biases on the host, where both are. */
function compareParameter(
  model: Model,
  a: Variant,
  b: Variant,
  layer: string,
  part: "weight" | "bias",
): TensorDifference | undefined {
  const name = `${layer}.${part}`;
  const channels = model.parameters.find((one) => one.name === name)?.shape[0];
  if (channels === undefined) return undefined;
  const [valuesA, valuesB] = [a.parameters[name], b.parameters[name]];
  const quantized = b.weights[layer];
  const reaches = part === "bias"
    ? undefined
    : quantized === undefined
    ? reachesOfValues(valuesB, channels)
    : reachesOf(quantized);
  return compareWeights(valuesA, valuesB, channels, reaches);
}

/**
 * Compares two networks of one model layer by layer, on the same images and, as to their weights,
 * without any.
 *
 * Activations are compared on the GPU; of each layer only a few sums are read, once.
 *
 * @param device Where both run.
 * @param model What both are, batch norms folded.
 * @param a What should be, such as the float32 network.
 * @param b What is, such as the same network quantized.
 * @param chunks The images, uploaded as the model wants to see them.
 * @returns Differences in the order of computation, and how well both do.
 */
export async function compareNetworks(
  device: Device,
  model: Model,
  a: Variant,
  b: Variant,
  chunks: readonly Chunk[],
): Promise<NetworkComparison> {
  using _scope = device.scope();
  const tensorsOf = ({ parameters }: Variant) =>
    uploadParameters(device, model, [parameters]).tensors;
  const uploaded = [tensorsOf(a), tensorsOf(b)] as const;
  const { activations, judged } = await compareOnImages(model, [a, b], uploaded, chunks);
  const parts: readonly LayerPart[] = ["input", "weight", "bias", "output"];
  const tensors = model.layers.flatMap((layer) =>
    parts.flatMap((part): ComparedTensor[] => {
      const difference = part === "weight" || part === "bias"
        ? compareParameter(model, a, b, layer, part)
        : activations.get(placeOf(layer, part));
      return difference === undefined ? [] : [{ layer, part, ...difference }];
    })
  );
  const first = tensors.find(differs);
  return {
    tensors,
    ...first === undefined ? {} : { first: { layer: first.layer, part: first.part } },
    ...judged,
  };
}
