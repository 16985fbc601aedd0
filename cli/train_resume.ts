import type { EpochPoint } from "../experiments/mod.ts";
import { decodeSafetensors, UserError } from "../formats/mod.ts";
import { SCHEDULES } from "../training/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import { oneOf } from "./options.ts";
import { QUANTIZERS } from "./train_quantization.ts";
import { OPTIMIZERS, type Recipe } from "./train_recipe.ts";

/** Keys of a checkpoint's metadata that `train` writes beside those of every network. */
export interface TrainMetadata {
  /** The recipe as JSON. */
  readonly options: string;
  /** Points of the training curve as JSON. */
  readonly curve: string;
}

/** A checkpoint that training goes on from. */
export interface Checkpoint {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What it was trained by, if `train` wrote it; else only the seed, if it says it. */
  readonly recipe: Partial<Recipe>;
  /** One point an epoch that was trained. */
  readonly points: readonly EpochPoint[];
}

/** What each option of a recipe is in JSON. */
const RECIPE_TYPES: Readonly<Record<keyof Recipe, "string" | "number" | "boolean">> = {
  model: "string",
  dataset: "string",
  epochs: "number",
  batchSize: "number",
  optimizer: "string",
  learningRate: "number",
  weightDecay: "number",
  epsilon: "number",
  momentum: "number",
  nesterov: "boolean",
  schedule: "string",
  augment: "string",
  labelSmoothing: "number",
  dropout: "number",
  ema: "number",
  validate: "boolean",
  patience: "number",
  quantize: "string",
  weightBits: "string",
  activationBits: "number",
  imageBits: "number",
  granularity: "string",
  progressive: "string",
  warmUp: "number",
  from: "string",
  distill: "number",
  seed: "number",
};

const RECIPE_KEYS = Object.keys(RECIPE_TYPES) as (keyof Recipe)[];

/** The option as it is typed: `batchSize` is `--batch-size`. */
function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Writes the command that trains by a recipe.
 *
 * @param recipe The recipe.
 * @returns Such as `deno task train --model cnn --epochs 10`, without where the output goes.
 */
export function commandOf(recipe: Recipe): string {
  const words = RECIPE_KEYS.flatMap((key) => {
    const value = recipe[key];
    if (value === undefined) return [];
    // what is usual where nothing is given needs no word
    if (value === true || (key === "augment" && value === "usual")) return [flagOf(key)];
    return [`${flagOf(key)} ${value}`];
  });
  return ["deno task train", ...words].join(" ");
}

/**
 * Gives the command that trained a network.
 *
 * @param metadata Of the network's file.
 * @returns The command, or undefined if the file is of another tool.
 */
export function trainingCommand(metadata: Readonly<Record<string, string>>): string | undefined {
  const recipe = recipeOf(metadata);
  return recipe === undefined ? undefined : commandOf(recipe);
}

/**
 * Gives the recipe that a network was trained by.
 *
 * @param metadata Of the network's file.
 * @returns The recipe, or undefined if the file is of another tool.
 */
export function recipeOf(metadata: Readonly<Record<string, string>>): Recipe | undefined {
  const recipe = parse(metadata.options ?? "");
  return isRecipe(recipe) ? recipe : undefined;
}

/**
 * Says in a checkpoint what it was trained by and how that went.
 *
 * @param recipe The recipe.
 * @param points One an epoch.
 * @returns Metadata for the checkpoint.
 */
export function trainMetadata(recipe: Recipe, points: readonly EpochPoint[]): TrainMetadata {
  const options = JSON.stringify(recipe, RECIPE_KEYS);
  return { options, curve: JSON.stringify(points) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecipe(found: unknown): found is Recipe {
  return typeof found === "object" && found !== null &&
    Object.entries(found).every(([key, value]) =>
      Object.hasOwn(RECIPE_TYPES, key) && typeof value === RECIPE_TYPES[key as keyof Recipe]
    ) &&
    (["model", "dataset", "epochs", "batchSize", "learningRate", "seed"] as const)
      .every((key) => Object.hasOwn(found, key));
}

function isCurve(found: unknown): found is EpochPoint[] {
  return Array.isArray(found) &&
    found.every((point) =>
      typeof point === "object" && point !== null && "epoch" in point && "trainingLoss" in point &&
      Object.values(point).every(Number.isFinite)
    );
}

function recipeIn(metadata: Readonly<Record<string, string>>, path: string): Partial<Recipe> {
  const { seed, options } = metadata;
  if (options === undefined) return seed === undefined ? {} : { seed: Number(seed) };
  const recipe = parse(options);
  if (!isRecipe(recipe)) {
    throw new UserError(
      `Cannot resume from ${path}: its options must be those of a training: found ${options}`,
    );
  }
  oneOf("optimizer", OPTIMIZERS)(recipe.optimizer);
  oneOf("schedule", SCHEDULES)(recipe.schedule);
  if (recipe.quantize !== undefined) oneOf("quantizer", QUANTIZERS)(recipe.quantize);
  return recipe;
}

/**
 * Reads what a checkpoint says of its training, which must be known before there is a model to load.
 *
 * @param path The file.
 * @returns Its bytes, recipe and curve.
 * @throws {UserError} If it cannot be read.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readCheckpointFile(path, "resume from");
  const metadata = decodeSafetensors(bytes, path).metadata ?? {};
  const points = parse(metadata.curve ?? "[]");
  if (!isCurve(points)) {
    throw new UserError(
      `Cannot resume from ${path}: its curve must be a list of epochs: found ${metadata.curve}`,
    );
  }
  return { path, bytes, recipe: recipeIn(metadata, path), points };
}

/**
 * Joins what was typed with what a checkpoint was trained by: a resumed run is the same run.
 *
 * At a constant rate there may be more epochs than planned; any other schedule would have to jump.
 *
 * @param recipe What would be trained by without the checkpoint.
 * @param typed Options that somebody did type.
 * @param checkpoint What training goes on from.
 * @returns What to train by.
 * @throws {UserError} If an option that was typed is another than the checkpoint's: all of them.
 */
export function resumedRecipe(
  recipe: Recipe,
  typed: ReadonlySet<string>,
  { path, recipe: earlier }: Checkpoint,
): Recipe {
  const keeps = earlier.model === undefined ? ["seed"] as const : RECIPE_KEYS;
  const isFree = (key: keyof Recipe) => key === "epochs" && earlier.schedule === "constant";
  const differing = keeps.filter((key) =>
    typed.has(key) && recipe[key] !== earlier[key] && !isFree(key)
  );
  if (differing.length > 0) {
    const found = differing.map((key) => {
      const here = recipe[key] === true ? flagOf(key) : `${flagOf(key)} ${recipe[key]}`;
      return `${here} where it has ${earlier[key] ?? "none"}`;
    });
    throw new UserError(
      `Cannot resume from ${path}: options must be those of the checkpoint: ${found.join(", ")}`,
    );
  }
  if (earlier.model === undefined) return { ...recipe, ...earlier };
  return { ...earlier as Recipe, ...typed.has("epochs") && { epochs: recipe.epochs } };
}
