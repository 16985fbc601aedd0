import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import { counted } from "../describe_network.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";
import { QUANTIZED, QUANTIZED_AXIS } from "./quantized_axis.ts";
import {
  type Estimator,
  IMAGE_OF_ONE_BIT,
  QAT_TRAINING,
  QAT_TRAINING_OF_CONVOLUTIONS,
  QAT_TRAINING_OF_RESIDUAL_NETWORKS,
  qatSpec,
  type QatTraining,
  TERNARY,
} from "./qat_recipe.ts";

/** What networks of one kind are asked. */
interface Extent {
  readonly models: Experiment["models"];
  readonly forOtherModels?: Experiment;
  readonly hypotheses: readonly string[];
  readonly estimators: readonly Estimator[];
  readonly bits: readonly number[];
  readonly training: QatTraining;
  readonly seeds: number;
  /** Accuracy in percent that the chart zooms in from. */
  readonly zoomFrom: number;
}

const LABELS: Readonly<Record<Estimator, string>> = {
  float32: "float32, trained on",
  ranges: "ranges",
  learned: "learned steps",
  learned_offset: "learned steps and offsets",
  dorefa_pact: "DoReFa and PACT",
};

function methodOf({ training, estimators, bits }: Extent): string[] {
  const { usual, ofOneBit } = training;
  const differs = usual !== ofOneBit;
  return [
    `Each trained network is trained on for ${
      counted(usual.epochs, "epoch")
    }, half by its labels and ` +
    `half by its own float32 logits; images are moved by up to ${
      counted(usual.augmentation?.cropPadding ?? 0, "pixel")
    }. ` +
    "The control is trained on likewise and stays float32." +
    (differs
      ? " With 1 bit for weights and activations all learn from labels alone, from images that stay " +
        `where they are, for ${ofOneBit.epochs} epochs.`
      : ""),
    "Learned: LSQ steps of weights per output channel, of inputs per tensor." +
    (estimators.includes("ranges")
      ? " Ranges: straight-through on the range that weights have at each step and on a moving average " +
        "of that of inputs."
      : "") +
    (bits.includes(1) ? " Two levels are mean magnitudes with every estimator." : "") +
    " Biases stay at 32 bits.",
    ...estimators.includes("learned_offset")
      ? [
        "Learned steps and offsets: LSQ+, where level 0 of inputs stands for a number that learns. " +
        "Weights have none: with weights alone these rows are the trials of learned steps.",
      ]
      : [],
    ...estimators.includes("dorefa_pact")
      ? [
        "DoReFa and PACT: weights squashed by tanh, inputs clipped at a value that learns. DoReFa's own 1 " +
        "bit is the mean magnitude that stands there for all; three levels it does not have, and " +
        "ternary mean magnitudes, those of ranges, stand there: with weights alone these rows are " +
        "the trials of ranges.",
      ]
      : [],
    "With activations, inputs of all layers and pixels have as many bits as weights" +
    (bits.includes(1) ? `; with 1 bit pixels have ${IMAGE_OF_ONE_BIT}.` : ".") +
    (bits.includes(TERNARY) ? " Ternary weights go with 2 bits." : ""),
  ];
}

function defineQat(extent: Extent): Experiment {
  const { models, forOtherModels, hypotheses, estimators, bits, seeds, zoomFrom } = extent;
  const { usual, ofOneBit } = extent.training;
  const others = estimators.filter((estimator) => estimator !== "learned");
  const comparisonsOf = (quantized: typeof QUANTIZED[number]) =>
    // offsets are of inputs alone
    others.filter((other) => other !== "learned_offset" || quantized !== "weights")
      .map((other) => ({
        name: `learned steps - ${LABELS[other].replace(",", "")}, ${quantized}`,
        first: { estimator: "learned" as const, quantized },
        second: { estimator: other, quantized },
      }));
  return defineExperiment({
    name: "qat",
    question:
      "How few bits are enough when a network is trained on under quantization, and does a " +
      "step that learns do better than the range of the weights?",
    hypotheses,
    method: methodOf(extent),
    grid: { estimator: estimators, quantized: QUANTIZED, bits },
    axes: {
      estimator: { label: "estimator", values: LABELS },
      quantized: QUANTIZED_AXIS,
      bits: { label: "bits per weight", unit: "bit", values: { [TERNARY]: "ternary" } },
    },
    budget: { axis: "bits", scale: "linear" },
    seeds,
    models,
    ...forOtherModels && { forOtherModels },
    control: { estimator: "float32" },
    baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
    trial: ({ estimator, quantized, bits }, seed) => ({
      ...fcNNOnMnist,
      seed,
      compression: {
        kind: "quantization_aware",
        spec: qatSpec(estimator, quantized, bits),
        training: quantized === "weights_and_activations" && bits === 1 ? ofOneBit : usual,
      },
    }),
    metrics: ["testAccuracy", "testLoss", "predictedClasses"],
    compare: QUANTIZED.flatMap(comparisonsOf),
    charts: QUANTIZED.flatMap((quantized) => {
      const what = quantized === "weights" ? "Weights" : "Weights and activations";
      return [
        lineChart({
          name: `accuracy_${quantized}`,
          title: `${what} trained on under quantization: accuracy over bits`,
          y: "testAccuracy",
          where: { quantized: [quantized] },
          zoomFrom,
          markDelta: 0.005,
        }),
        differenceChart({
          name: `differences_${quantized}`,
          title: `${what} trained on under quantization: learned steps against the others`,
          y: "testAccuracy",
          zoomWithin: 1,
          comparisons: comparisonsOf(quantized).map(({ name }) => name),
        }),
      ];
    }),
  });
}

/** What does training under quantization give back? */
export const qat: Experiment = defineQat({
  models: ["fc_nn"],
  hypotheses: [
    "Two bits for weights lose less than 0.5 point against float32 trained on for as long.",
    "Learned steps beat ranges wherever activations have 2 bits or less.",
    "One bit for weights and activations keeps 95 %.",
    "Offsets that learn add nothing after a ReLU, whose values begin at 0.",
    "DoReFa and PACT come behind learned steps at 2 bits and beside them at 4.",
  ],
  estimators: ["float32", "ranges", "learned", "learned_offset", "dorefa_pact"],
  bits: [1, TERNARY, 2, 3, 4],
  training: QAT_TRAINING,
  seeds: 5,
  zoomFrom: 94,
  forOtherModels: defineQat({
    models: ["cnn"],
    hypotheses: [
      "Two bits for weights lose less than 0.5 point against float32 trained on for as long.",
      "Four bits for weights and activations lose nothing that can be seen.",
      "One bit for weights and activations costs more than in a fully connected network.",
    ],
    estimators: ["float32", "learned"],
    bits: [1, 2, 4],
    training: QAT_TRAINING_OF_CONVOLUTIONS,
    seeds: 3,
    zoomFrom: 80,
    forOtherModels: defineQat({
      models: ["resnet"],
      hypotheses: [
        "After one epoch four bits for weights and activations lose less than 0.5 point.",
        "Two bits for weights end above the best post-training method, which has seen 512 images.",
        "Two bits for activations cost more than two bits for weights.",
      ],
      estimators: ["float32", "learned"],
      bits: [2, 4],
      training: QAT_TRAINING_OF_RESIDUAL_NETWORKS,
      seeds: 1,
      zoomFrom: 80,
    }),
  }),
});
