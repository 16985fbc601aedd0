import type { HqqBits } from "../../compression/mod.ts";
import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { defineExperiment, type Experiment } from "../define.ts";
import { OBSERVED_IMAGES } from "../../training/mod.ts";
import { fcNNOnMnist } from "./fc_nn_on_mnist.ts";
import { QUANTIZED, QUANTIZED_AXIS } from "./quantized_axis.ts";
import { ADA_ROUND_PLAN, PTQ_ARMS, type PtqArm, RECONSTRUCTION_PLAN, SWEEPS } from "./ptq_arms.ts";

/** Training images that methods calibrate convolutional networks on. */
export const CALIBRATION_IMAGES_OF_CONVOLUTIONS = 512;

/** What networks of one kind are asked. */
interface Extent {
  readonly models: Experiment["models"];
  readonly forOtherModels?: Experiment;
  readonly hypotheses: readonly string[];
  /** Ways to quantize, the first one what the others are compared with. */
  readonly arms: readonly PtqArm[];
  /** What is drawn over it. */
  readonly gains: readonly PtqArm[];
  /** What is drawn over bytes: each spends others on its grids. */
  readonly weighed: readonly PtqArm[];
  readonly bits: readonly HqqBits[];
  /** Calibration images of every method that looks at any; labels are not looked at. */
  readonly images: number;
  /** Accuracy in percent that the charts zoom in from. */
  readonly zoomFrom: number;
}

/** Three methods whose grids span a matrix, an output channel or a group: a chart of their own. */
const BY_GRANULARITY: readonly PtqArm[] = [
  "mse_tensor",
  "mse_channel",
  "mse_group",
  "hqq_channel",
  "hqq_group",
  "gptq_tensor",
  "gptq_channel",
  "gptq_group",
];
/** Granularities that are drawn nowhere else, or other charts would have too many lines. */
const ONLY_THERE: readonly PtqArm[] = ["mse_tensor", "hqq_group", "gptq_tensor", "gptq_group"];

/** Whether a way to quantize looks at images: a chart of each kind, beside what both are compared with. */
const looksAtImages = (arm: PtqArm) => "images" in PTQ_ARMS[arm].quantization(4, 1);
const FAMILIES = [
  {
    name: "without_data",
    words: "from the weights alone",
    has: (arm: PtqArm) => !looksAtImages(arm) && !ONLY_THERE.includes(arm),
  },
  {
    name: "calibrated",
    words: "calibrated on images",
    has: (arm: PtqArm) => looksAtImages(arm) && !ONLY_THERE.includes(arm),
  },
] as const;

/** What is compared with each other too, not only with the first arm. */
const CLOSE_PAIRS: readonly (readonly [PtqArm, PtqArm])[] = [
  ["reconstruction_layers_fisher", "reconstruction_layers"],
];

/** What a method does, for reports that have it. */
const METHODS: readonly (readonly [arm: PtqArm, sentence: string])[] = [
  [
    "equalized_tensor",
    "Equalized: channels between layers first get the same ranges in the weights before and after them.",
  ],
  [
    "bias_correction_channel",
    "Bias correction: rounded over the range of least squared error, each bias moved by what the mean " +
    "output of its channel is off.",
  ],
  [
    "additive_powers_channel",
    "Powers of two: additive ones, over the range of least squared error; 1 bit is the sign times the mean " +
    "magnitude.",
  ],
  [
    "obq_channel",
    "OBQ: GPTQ that fixes the weight of every output that costs least in turn.",
  ],
  [
    "adaround_channel",
    `AdaRound: ${
      ADA_ROUND_PLAN.steps.toLocaleString("en")
    } steps a layer on its Hessian, scales as ` +
    "they are.",
  ],
  [
    "second_order_codebook",
    "Second order: centered Hessian, matched targets, weighted grids, GPTQ, up to " +
    `${SWEEPS} sweeps of coordinate descent, corrected biases.`,
  ],
  [
    "reconstruction_codebook",
    "Reconstruction: roundings, scales and activation steps learned together for " +
    `${RECONSTRUCTION_PLAN.steps.toLocaleString("en")} steps of ${RECONSTRUCTION_PLAN.batchSize} ` +
    "images against the float32 logits; by layers, one layer after the other against what each of them " +
    "gave; Fisher, with errors weighed by the diagonal of the Fisher information.",
  ],
];

function definePtqMethods(extent: Extent): Experiment {
  const { models, forOtherModels, hypotheses, arms, gains, bits, images, zoomFrom, weighed } =
    extent;
  const [first, ...others] = arms;
  return defineExperiment({
    name: "ptq_methods",
    question: "How few bits are enough after training, without a label, and what does each " +
      "post-training method add?",
    hypotheses,
    method: [
      "Weights of every layer get so many bits; biases stay at 32. Asymmetric equal steps, or codebooks " +
      "of the best levels (Lloyd-Max), per tensor, output channel or group. The scales, zero points and " +
      "levels themselves are not counted in the bits, but in the bytes.",
      "With activations, the input of every layer, images included, is quantized per tensor to the same " +
      `number of bits, on the range of least squared error over ${OBSERVED_IMAGES} training images.`,
      `What calibrates looks at the first ${
        images.toLocaleString("en")
      } training images, without ` +
      "their labels; what goes layer by layer looks at what the quantized layers before make of them.",
      ...METHODS.filter(([arm]) => arms.includes(arm)).map(([, sentence]) => sentence),
    ],
    grid: { method: arms, quantized: QUANTIZED, bits },
    axes: {
      method: {
        label: "method",
        values: Object.fromEntries(arms.map((arm) => [arm, PTQ_ARMS[arm].label])),
      },
      quantized: QUANTIZED_AXIS,
      bits: { label: "bits per value", unit: "bit" },
    },
    budget: { axis: "bits", scale: "linear" },
    seeds: 5,
    models,
    ...forOtherModels && { forOtherModels },
    baseline: (seed) => ({ ...fcNNOnMnist, seed, compression: { kind: "none" } }),
    trial: ({ method, quantized, bits }, seed) => ({
      ...fcNNOnMnist,
      seed,
      compression: {
        kind: "post_training",
        ...PTQ_ARMS[method].quantization(bits, images),
        ...quantized === "weights_and_activations" && {
          activations: { grid: { kind: "affine", bits }, observer: { kind: "meanSquaredError" } },
        },
      },
    }),
    metrics: ["testAccuracy", "testLoss", "predictedClasses", "bytes"],
    compare: QUANTIZED.flatMap((quantized) =>
      [
        ...others.map((method) => [method, first] as const),
        ...CLOSE_PAIRS.filter((pair) => pair.every((method) => arms.includes(method))),
      ].map(([method, other]) => ({
        name: `${method} - ${other}, ${quantized}`,
        first: { method, quantized },
        second: { method: other, quantized },
      }))
    ),
    charts: [
      ...QUANTIZED.flatMap((quantized) =>
        FAMILIES.map(({ name, words, has }) =>
          lineChart({
            name: `accuracy_${quantized}_${name}`,
            title: `${
              quantized === "weights" ? "Weights" : "Weights and activations"
            } quantized after training, ${words}: accuracy over bits`,
            y: "testAccuracy",
            where: {
              quantized: [quantized],
              method: arms.filter((arm) => arm === first || has(arm)),
            },
            zoomFrom,
            markDelta: 0.005,
          })
        )
      ),
      ...arms.includes("gptq_group")
        ? [lineChart({
          name: "accuracy_by_granularity",
          title:
            "Weights quantized after training, a grid a matrix, channel or group: accuracy over bits",
          y: "testAccuracy",
          where: { quantized: ["weights"], method: BY_GRANULARITY },
          zoomFrom,
          markDelta: 0.005,
        })]
        : [],
      lineChart({
        name: "accuracy_over_bytes",
        title: "Weights quantized after training: accuracy over their bytes, grids among them",
        y: "testAccuracy",
        x: "bytes",
        marksFront: true,
        where: {
          quantized: ["weights"],
          bits: bits.filter((width) => width < 8),
          method: arms.filter((arm) => weighed.includes(arm)),
        },
        zoomFrom,
        markDelta: 0.005,
      }),
      differenceChart({
        name: "gain_over_min_max",
        title: "What three methods gain over min-max per tensor, weights + activations",
        y: "testAccuracy",
        zoomWithin: 10,
        comparisons: gains.map((method) => `${method} - ${first}, weights_and_activations`),
      }),
    ],
    published: {
      label: "published single run",
      source: "one seed, min-max post-training quantization of weights and activations",
      comparable: { method: "min_max_tensor", quantized: "weights_and_activations" },
      points: [9.74, 11.5, 76.74, 92.29].map((percent, i) => ({
        budget: i + 1,
        testAccuracy: percent / 100,
      })),
    },
  });
}

/** How far does each post-training method get, with how many bits? */
export const ptqMethods: Experiment = definePtqMethods({
  models: ["fc_nn"],
  hypotheses: [
    "The published cliff between 4 and 3 bits is that of min-max ranges per tensor, not of the network.",
    "Weights alone keep 97 % at 2 bits when codebooks and codes follow the Hessian of each layer.",
    "With activations, learning roundings and steps together gives most, and most at 2 bits.",
  ],
  arms: Object.keys(PTQ_ARMS) as PtqArm[],
  gains: ["mse_channel", "gptq_channel", "reconstruction_channel"],
  weighed: [
    "min_max_tensor",
    "mse_channel",
    "mse_group",
    "gptq_group",
    "additive_powers_channel",
    "lloyd_max_channel",
    "second_order_channel",
    "second_order_codebook",
  ],
  bits: [1, 2, 3, 4, 8],
  images: 4096,
  zoomFrom: 90,
  // learning the roundings of a whole convolutional network takes too long for a grid
  forOtherModels: definePtqMethods({
    models: ["cnn", "resnet"],
    hypotheses: [
      "With ranges per tensor the cliff comes earlier than per channel, and equalization moves it back.",
      "Weights alone lose less than 1 point at 3 bits when codes follow the Hessian of each layer.",
      "At 2 bits codebooks beat equal steps by more than they do in a fully connected network.",
    ],
    arms: [
      "min_max_tensor",
      "equalized_tensor",
      "min_max_channel",
      "mse_channel",
      "bias_correction_channel",
      "lloyd_max_channel",
      "hqq_channel",
      "gptq_channel",
      "second_order_channel",
      "second_order_codebook",
    ],
    gains: ["mse_channel", "gptq_channel", "second_order_channel"],
    weighed: [
      "min_max_tensor",
      "mse_channel",
      "lloyd_max_channel",
      "second_order_channel",
      "second_order_codebook",
    ],
    bits: [2, 3, 4, 8],
    images: CALIBRATION_IMAGES_OF_CONVOLUTIONS,
    zoomFrom: 85,
  }),
});
