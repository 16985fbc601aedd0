import { differenceChart, lineChart } from "../charts/chart_spec.ts";
import { type Comparison, defineExperiment, type Experiment, type Grid } from "../define.ts";
import type { MetricName } from "../metrics.ts";
import {
  CNN_BENCH,
  FC_NN_BENCH,
  type Master,
  OCTIZATION_AXES,
  type OctizationArm,
  octizationBaseline,
  octizationTrial,
  type OptimizerName,
} from "./octization_recipe.ts";

const SCREENING_EPOCHS = 2;

const ROUNDINGS: OctizationArm["rounding"][] = [
  "nearestEven",
  "towardZero",
  "stochastic",
  "deadZone",
];
const MASTERS: Master[] = ["float32", "shadow", "in_place_step", "in_place_epoch", "post_training"];

/** Shown words of a value of an axis. */
const words = (axis: "rounding" | "master", value: string) => OCTIZATION_AXES[axis].values![value];

/** The axes that comparisons fix. */
interface Fixed extends Grid {
  readonly rounding: readonly OctizationArm["rounding"][];
  readonly master: readonly Master[];
}

function comparisonsOf(
  roundings: readonly OctizationArm["rounding"][],
  masters: readonly Master[],
): Comparison<Fixed>[] {
  const rounded = masters.filter((master) => master !== "float32");
  return [
    ...rounded.flatMap((master) =>
      roundings.slice(1).map((rounding) => ({
        name: `${words("rounding", rounding)} - nearest, ${words("master", master)}`,
        first: { rounding, master },
        second: { rounding: "nearestEven" as const, master },
      }))
    ),
    ...rounded.flatMap((master) =>
      roundings.slice(0, 2).map((rounding) => ({
        name: `${words("master", master)} - float32, ${words("rounding", rounding)}`,
        first: { rounding, master },
        second: { rounding, master: "float32" as const },
      }))
    ),
  ];
}

const HYPOTHESES = [
  "In place every step at 1/255, rounding to nearest cancels every update of Adam below half a step, " +
  "and the network freezes near its initial weights.",
  "Truncation in place lets through what points toward zero, a step at a time: weights shrink.",
  "With shadow weights neither matters at 8 bits; both lose accuracy at 4 bits or less.",
];

const METHOD = [
  "Weights of two axes or more are rounded, one scale a weight, codes from -(2^b - 1) to 2^b - 1 (b bits " +
  "and a sign); biases stay at 32 bits. A number on the grid keeps its code under every rounding, as " +
  "long as the scale stays.",
  "Shadow weights: float32 weights are rounded anew for every forward pass, gradients pass straight " +
  "through, shadow weights are clipped to the grid. In place: weights are replaced by their rounded " +
  "values after the optimizer's step, moments are kept; every epoch, after its last step, so a training of " +
  "one epoch is rounded once, in the end.",
  "Updates lost: of the weights that the optimizer moved in a step, the share whose code is what it " +
  "would have been without the move; mean over all steps.",
  "Constant rates, batches of 128. The arms of a seed share initial weights and batch order.",
];

const METRICS: readonly MetricName[] = [
  "testAccuracy",
  "testLoss",
  "predictedClasses",
  "updatesLost",
  "zeroWeights",
  "weightNorm",
];

/** Does truncation at 1/255, in base 8, train better than rounding: everything it could depend on. */
export const octization: Experiment = defineExperiment({
  name: "octization",
  question: "Does a network whose weights are truncated toward zero at a scale of 1 / (2^b - 1) " +
    '("octization") do better than one whose weights are rounded, and what does that depend on?',
  hypotheses: HYPOTHESES,
  method: [
    ...METHOD,
    "A screening: short trainings. What decides is measured again in octization_contrasts.",
  ],
  grid: {
    rounding: ROUNDINGS,
    master: MASTERS,
    optimizer: ["adam_0.001", "sgd_0.01", "sgd_0.1"] as OptimizerName[],
    scale: ["fixed", "absmax"] as OctizationArm["scale"][],
    bits: [3, 4, 6, 8],
  },
  axes: OCTIZATION_AXES,
  budget: { axis: "bits", scale: "linear" },
  seeds: 3,
  models: ["fc_nn"],
  forOtherModels: defineOctizationOfConvolutions(),
  control: { master: "float32" },
  baseline: (seed) => octizationBaseline({ ...FC_NN_BENCH, epochs: SCREENING_EPOCHS }, seed),
  trial: (arm, seed) => octizationTrial(arm, { ...FC_NN_BENCH, epochs: SCREENING_EPOCHS }, seed),
  metrics: METRICS,
  equivalenceMargin: 0.001,
  compare: comparisonsOf(ROUNDINGS, MASTERS),
  charts: [
    ...(["fixed", "absmax"] as const).map((scale) =>
      lineChart({
        name: `accuracy_adam_${scale}`,
        title: `Adam 0.001, ${OCTIZATION_AXES.scale.values![scale]}: accuracy over bits`,
        y: "testAccuracy",
        where: {
          optimizer: ["adam_0.001"],
          scale: [scale],
          master: ["shadow", "in_place_step", "post_training"],
          rounding: ["nearestEven", "towardZero"],
        },
        zoomFrom: 85,
        markDelta: 0.005,
      })
    ),
  ],
});

/** The same question of the network of the published CIFAR-10 rows, on a smaller grid. */
function defineOctizationOfConvolutions(): Experiment {
  const bench = { ...CNN_BENCH, epochs: SCREENING_EPOCHS };
  const roundings: OctizationArm["rounding"][] = ["nearestEven", "towardZero"];
  const masters: Master[] = ["float32", "shadow", "in_place_step"];
  return defineExperiment({
    name: "octization",
    question:
      "Does a small convolutional network whose weights are truncated toward zero at a scale " +
      'of 1 / (2^b - 1) ("octization") do better than one whose weights are rounded?',
    hypotheses: HYPOTHESES,
    method: [...METHOD, "A screening: short trainings, on a part of the grid of FC_NN."],
    grid: {
      rounding: roundings,
      master: masters,
      optimizer: ["adam_0.001"] as OptimizerName[],
      scale: ["fixed", "absmax"] as OctizationArm["scale"][],
      bits: [4, 8],
    },
    axes: OCTIZATION_AXES,
    budget: { axis: "bits", scale: "linear" },
    seeds: 3,
    models: ["cnn"],
    control: { master: "float32" },
    baseline: (seed) => octizationBaseline(bench, seed),
    trial: (arm, seed) => octizationTrial(arm, bench, seed),
    metrics: METRICS,
    equivalenceMargin: 0.001,
    compare: comparisonsOf(roundings, masters),
    charts: [
      lineChart({
        name: "accuracy_over_bits",
        title: "Adam 0.001: accuracy over bits",
        y: "testAccuracy",
        where: { master: ["shadow", "in_place_step"] },
        zoomFrom: 30,
        markDelta: 0.01,
      }),
    ],
  });
}

/** The contrasts that decide, with 20 seeds and full training. */
export const octizationContrasts: Experiment = defineExperiment({
  name: "octization_contrasts",
  question: "What does truncation do against rounding to nearest with shadow weights, in place " +
    "at every step, and after training?",
  hypotheses: HYPOTHESES,
  method: METHOD,
  grid: {
    rounding: ["nearestEven", "towardZero"] as OctizationArm["rounding"][],
    master: ["float32", "shadow", "in_place_step", "post_training"] as Master[],
    optimizer: ["adam_0.001"] as OptimizerName[],
    scale: ["fixed", "absmax"] as OctizationArm["scale"][],
    bits: [4, 8],
  },
  axes: OCTIZATION_AXES,
  budget: { axis: "bits", scale: "linear" },
  seeds: 20,
  models: ["fc_nn", "cnn"],
  control: { master: "float32" },
  baseline: (seed) => octizationBaseline({ ...FC_NN_BENCH, epochs: 10 }, seed),
  trial: (arm, seed) => octizationTrial(arm, { ...FC_NN_BENCH, epochs: 10 }, seed),
  metrics: METRICS,
  equivalenceMargin: 0.001,
  stepLogs: {
    name: "steps_in_place_and_shadow",
    title: "What Adam's steps did at 8 bits and 1 / (2^b - 1)",
    where: {
      rounding: ["nearestEven", "towardZero"],
      master: ["shadow", "in_place_step"],
      optimizer: ["adam_0.001"],
      scale: ["fixed"],
      bits: [8],
    },
  },
  compare: comparisonsOf(
    ["nearestEven", "towardZero"],
    ["shadow", "in_place_step", "post_training"],
  ),
  charts: (["shadow", "in_place_step", "post_training"] as const).map((master) =>
    differenceChart({
      name: `truncation_minus_rounding_${master}`,
      title: `Truncation minus rounding to nearest, ${words("master", master)}`,
      y: "testAccuracy",
      zoomWithin: master === "in_place_step" ? 15 : 2,
      comparisons: [`toward zero - nearest, ${words("master", master)}`],
    })
  ),
});
