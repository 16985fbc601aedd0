import { UserError } from "../formats/mod.ts";
import type { ModelSpec } from "../models/mod.ts";
import {
  adam,
  type Augmentation,
  type Optimizer,
  planMistakes,
  type Schedule,
  sgd,
  type TrainingPlan,
} from "../training/mod.ts";
import { parseModel } from "./options.ts";
import type { QUANTIZERS } from "./train_quantization.ts";

/** Optimizers by the name that the command line takes. */
export const OPTIMIZERS = ["adam", "adamw", "sgd"] as const;

/** All that decides the bits of a trained network, as it was typed; a checkpoint keeps it. */
export interface Recipe {
  readonly model: string;
  readonly dataset: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: (typeof OPTIMIZERS)[number];
  readonly learningRate: number;
  readonly weightDecay?: number;
  readonly epsilon?: number;
  readonly momentum?: number;
  readonly nesterov?: true;
  readonly schedule: Schedule["kind"];
  /** Parts such as `crop:4,flip`, or {@link USUAL_AUGMENTATION}. */
  readonly augment?: string;
  readonly labelSmoothing?: number;
  readonly dropout?: number;
  readonly ema?: number;
  readonly validate?: true;
  readonly patience?: number;
  readonly quantize?: (typeof QUANTIZERS)[number];
  /** A whole number, or `ternary`. */
  readonly weightBits?: string;
  readonly activationBits?: number;
  readonly imageBits?: number;
  /** `tensor`, `channel`, or how many weights share a grid. */
  readonly granularity?: string;
  /** Bits that learned grids begin with, and the steps over which they fall, such as `8:2000`. */
  readonly progressive?: string;
  /** Steps in which ranges of activations are only found. */
  readonly warmUp?: number;
  /** File of the float32 network that training begins with. */
  readonly from?: string;
  /** Share of that network in the loss. */
  readonly distill?: number;
  readonly seed: number;
}

/** A recipe before what is left out has its usual value. */
export type RecipeOptions =
  & Omit<Recipe, "learningRate" | "augment" | "ema" | "distill" | "seed">
  & Partial<Pick<Recipe, "learningRate" | "seed">>
  & { readonly augment?: string | true; readonly ema?: number | true }
  & { readonly distill?: number | true };

/** What `--augment` stands for without parts: crops, and flips of color images. */
const USUAL_AUGMENTATION = "usual";
/** Padding of a crop, in pixels, where none is given; that of the ResNet paper. */
const CROP_PADDING = 4;
/** Decay of averaged weights where none is given. */
const EMA_DECAY = 0.999;
/** Share of the teacher in the loss where none is given. */
const TEACHER_SHARE = 0.5;
/** Usual values of each optimizer; PyTorch's decay for AdamW. */
const USUAL = {
  adam: { learningRate: 2e-3 },
  adamw: { learningRate: 2e-3, weightDecay: 0.01 },
  sgd: { learningRate: 0.05, weightDecay: 0, momentum: 0.9 },
} as const;

/**
 * Gives every option that was left out its usual value.
 *
 * @param options What was typed.
 * @returns The recipe; nothing in it depends on later defaults.
 */
export function completeRecipe(options: RecipeOptions): Recipe {
  const { augment, ema, distill, ...rest } = options;
  return {
    seed: 0,
    ...USUAL[options.optimizer],
    ...rest,
    ...augment !== undefined && { augment: augment === true ? USUAL_AUGMENTATION : augment },
    ...ema !== undefined && { ema: ema === true ? EMA_DECAY : ema },
    ...distill !== undefined && { distill: distill === true ? TEACHER_SHARE : distill },
    ...options.patience !== undefined && { validate: true },
  };
}

function augmentationOf(text: string, isColor: boolean): Augmentation {
  if (text === USUAL_AUGMENTATION) return { cropPadding: CROP_PADDING, horizontalFlip: isColor };
  return Object.assign(
    {},
    ...text.split(",").map((part): Augmentation => {
      const [, name, number] = /^(crop|flip|cutout)(?::(\d+))?$/.exec(part) ?? [];
      if (name === "crop") return { cropPadding: Number(number ?? CROP_PADDING) };
      if (name === "flip" && number === undefined) return { horizontalFlip: true };
      if (name === "cutout" && number !== undefined) return { cutout: Number(number) };
      throw new UserError(
        `Cannot augment images by "${text}": parts must be crop, crop:PADDING, flip or ` +
          `cutout:SIDE, with commas between them: found "${part}"`,
      );
    }),
  );
}

function optimizerOf(recipe: Recipe): Optimizer {
  const { optimizer: kind, learningRate, epsilon, weightDecay = 0, momentum = 0, nesterov } =
    recipe;
  if (kind === "sgd") {
    if (epsilon !== undefined) {
      throw new UserError("Cannot use --epsilon: the optimizer must be adam or adamw: found sgd");
    }
    if (nesterov && momentum === 0) {
      throw new UserError("Cannot use --nesterov: there must be momentum: it is 0");
    }
    return sgd({
      learningRate,
      momentum,
      ...weightDecay > 0 && { weightDecay },
      ...nesterov && { nesterov },
    });
  }
  const misplaced = recipe.momentum !== undefined ? "--momentum" : nesterov && "--nesterov";
  if (misplaced) {
    throw new UserError(`Cannot use ${misplaced}: the optimizer must be sgd: found ${kind}`);
  }
  if (kind === "adam" && weightDecay > 0) {
    throw new UserError(
      "Cannot use --weight-decay: the optimizer must be adamw or sgd: found adam",
    );
  }
  return adam({
    learningRate,
    ...epsilon !== undefined && { epsilon },
    ...weightDecay > 0 && { weightDecay },
  });
}

/**
 * Turns a recipe into the plan that training follows.
 *
 * @param recipe What was typed.
 * @param channels Of an image; more than 1 is color.
 * @returns The plan.
 * @throws {UserError} If options do not go together.
 */
export function planOf(recipe: Recipe, channels: number): TrainingPlan {
  const { epochs, batchSize, augment, labelSmoothing, ema, distill } = recipe;
  const schedules: Readonly<Record<Schedule["kind"], Schedule>> = {
    constant: { kind: "constant" },
    cosine: { kind: "cosine", finalFraction: 0 },
    one_cycle: { kind: "one_cycle", warmup: 0.3 },
  };
  const plan = {
    optimizer: optimizerOf(recipe),
    schedule: schedules[recipe.schedule],
    epochs,
    batchSize,
    ...augment !== undefined && { augmentation: augmentationOf(augment, channels > 1) },
    ...labelSmoothing !== undefined && { labelSmoothing },
    ...ema !== undefined && { emaDecay: ema },
    ...distill !== undefined && { distillation: { weight: distill } },
  };
  const mistakes = planMistakes(plan);
  if (mistakes.length > 0) throw new UserError(`Cannot train: ${mistakes.join("; ")}`);
  return plan;
}

/**
 * Finds the architecture that a recipe asks for.
 *
 * @param recipe What was typed.
 * @returns The architecture.
 * @throws {UserError} If there is none, or it has no dropout and is to drop.
 */
export function modelOf({ model, dropout }: Recipe): ModelSpec {
  const spec = parseModel(model);
  if (dropout === undefined) return spec;
  if (spec.kind !== "cnn") {
    throw new UserError(
      `Cannot use --dropout: the model must be a small convolutional network: found ${model}`,
    );
  }
  return { ...spec, dropout };
}
