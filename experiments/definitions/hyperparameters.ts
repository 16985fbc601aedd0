import { MODELS, type ModelSpec } from "../../models/mod.ts";
import { adam } from "../../training/mod.ts";
import { deepFreeze } from "../deep_freeze.ts";
import { nameOfResults } from "../name_of_results.ts";
import type { Candidates, Search } from "../search_space.ts";

/** Widths that kernels like. */
const WIDTH_STEP = 4;

function scaled(sizes: readonly number[], factor: number): number[] {
  return sizes.map((size) => WIDTH_STEP * Math.max(1, Math.round(size * factor / WIDTH_STEP)));
}

/** The model with all its widths multiplied; the usual one stays exactly what it is. */
function widened(model: ModelSpec, factor: number): ModelSpec {
  if (factor === 1) return model;
  switch (model.kind) {
    case "fc_nn":
      return { ...model, hidden: scaled(model.hidden, factor) };
    case "cnn":
      return {
        ...model,
        channels: scaled(model.channels, factor),
        ...model.hidden && { hidden: scaled(model.hidden, factor) },
      };
    case "resnet":
    case "octization_program":
      return model;
  }
}

/** What a person may change about the search. */
export interface SearchOverrides {
  /** What is trained, in its usual widths. */
  readonly model?: ModelSpec;
  /** Name of a data set. */
  readonly dataset?: string;
  /** Epochs of the last rung. */
  readonly epochs?: number;
  /** Which configurations are tried. */
  readonly candidates?: Candidates["kind"];
}

/** What is usually searched on. */
const USUAL = "mnist";

/** Configurations drawn at random: three rungs of a third each. */
const DRAWN = 27;

const CHOICE: Readonly<Record<Candidates["kind"], string>> = {
  random:
    "Configurations are drawn at random from a seed: learning rate and weight decay even on a " +
    "logarithmic scale, batch size and width from a few values (Bergstra and Bengio 2012).",
  grid:
    "All combinations of a few values are tried: learning rate and weight decay evenly spaced on " +
    "a logarithmic scale, every batch size and every width.",
};

/**
 * Searches learning rate, weight decay, batch size and widths, judged by the images that are held out.
 *
 * @param overrides What to change; FC_NN on MNIST, up to 9 epochs, at random, if left out.
 * @returns The search, frozen.
 */
export function hyperparameters(overrides: SearchOverrides = {}): Search {
  const { model = MODELS.fc_nn, dataset = USUAL, epochs = 9, candidates = "random" } = overrides;
  // results of a grid do not lie over those of the usual search
  const kind = candidates === "random" ? "hyperparameters" : "hyperparameters_grid";
  return deepFreeze<Search>({
    name: nameOfResults(kind, USUAL, overrides),
    question:
      "Which learning rate, weight decay, batch size and width train this network best, and " +
      "how much does each matter?",
    method: [
      CHOICE[candidates],
      "Successive halving: all are trained shortly, the best third by accuracy on the validation " +
      "images goes on and is trained three times as long, until the last rung (Jamieson and Talwalkar " +
      "2016, arXiv:1502.07943; one bracket of Hyperband, Li et al. 2018, arXiv:1603.06560).",
      "Every rung trains anew, from the same initial weights, with a one-cycle schedule of its own " +
      "length: it does not go on from the rung before, whose learning rate has come down to its end.",
      "Adam with decoupled weight decay. The test set is not looked at.",
    ],
    space: {
      learningRate: {
        draw: { kind: "log_range", low: 3e-4, high: 3e-2, gridPoints: 5 },
        label: "learning rate (log scale)",
      },
      weightDecay: {
        draw: { kind: "log_range", low: 1e-4, high: 1, gridPoints: 3 },
        label: "weight decay (log scale)",
      },
      batchSize: { draw: { kind: "choice", values: [32, 64, 128, 256] }, label: "batch size" },
      width: { draw: { kind: "choice", values: [0.5, 1, 2] }, label: "width, times the usual" },
    },
    candidates: candidates === "random" ? { kind: "random", count: DRAWN } : { kind: "grid" },
    reduction: 3,
    epochs,
    seed: 0,
    models: ["fc_nn", "cnn"],
    trial: ({ learningRate, weightDecay, batchSize, width }, length, seed) => ({
      data: { dataset, train: "split" },
      model: widened(model, width),
      training: {
        optimizer: adam({ learningRate, weightDecay }),
        schedule: { kind: "one_cycle", warmup: 0.3 },
        epochs: length,
        batchSize,
      },
      seed,
      compression: { kind: "none" },
    }),
  });
}
