import { resolve } from "node:path";
import { type Dataset, datasetForm, datasetNames } from "../data/mod.ts";
import { unknownName, UserError } from "../formats/mod.ts";
import { createModel, type ModelName, MODELS, type ModelSpec } from "../models/mod.ts";

/**
 * Makes a parser of a whole number for an option.
 *
 * @param what What the number counts.
 * @param least The smallest that makes sense.
 * @param most The largest; any that a double holds exactly, if left out.
 * @returns A parser that throws a UserError of one line.
 */
export function wholeNumber(
  what: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least || value > most) {
      const range = `from ${least}${most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`}`;
      throw new UserError(`Cannot use ${what} ${text}: it must be a whole number ${range}`);
    }
    return value;
  };
}

/** What `--model` takes. */
export const MODEL_HELP: string = `${
  Object.keys(MODELS).join(", ")
}; or with widths, such as fc_nn:128-64`;
/** What `--dataset` takes. */
export const DATASET_HELP: string = `${
  datasetNames.join(", ")
}, or a folder or address of idx files`;

/** Most passes over the training images: more steps than a table of learning rates should hold. */
export const MOST_EPOCHS = 10_000;
/** Largest seed: 32 bits on the GPU. */
export const MOST_SEED = 2 ** 32 - 1;
/** Most networks an arm of an experiment. */
export const MOST_SEEDS = 10_000;

/**
 * Test images that a residual network is judged on unless more are asked for: a whole test set, dozens of
 * times, is an hour on a processor.
 */
export const PREVIEW_IMAGES = 1000;

/**
 * Says how many test images a network is judged on unless a number is asked for.
 *
 * @param model The architecture.
 * @returns A count; infinite for all images.
 */
export function usualImages({ kind }: ModelSpec): number {
  return kind === "resnet" ? PREVIEW_IMAGES : Infinity;
}

/**
 * Reads how many images to judge on: a count, or `all`.
 *
 * @param text What was typed.
 * @returns The count; infinite for all.
 * @throws {UserError} If it is neither.
 */
export function imageCount(text: string): number {
  return text === "all" ? Infinity : wholeNumber("images", 1)(text);
}

/**
 * Refuses to judge on more test images than there are.
 *
 * @param images How many were asked for; the usual ones, as far as there are any, if left out.
 * @param dataset What they are of.
 * @throws {UserError} If there are fewer.
 */
export function checkImageCount(images: number | undefined, { name, test }: Dataset): void {
  if (images === undefined || images === Infinity || images <= test.count) return;
  throw new UserError(
    `Cannot judge on ${images} images: the test set of ${name} has ${test.count}`,
  );
}

/**
 * Reads an architecture: a name, or a name with widths, such as `fc_nn:128-64` or `cnn:16-32`.
 *
 * @param text What was typed.
 * @returns The architecture.
 * @throws {UserError} If the name is unknown or a width is not a whole number.
 */
export function parseModel(text: string): ModelSpec {
  const [name, widths] = text.split(":");
  if (!Object.hasOwn(MODELS, name)) throw unknownName("model", name, Object.keys(MODELS));
  const usual = MODELS[name as ModelName];
  if (widths === undefined) return usual;
  if (usual.kind === "resnet") {
    throw new UserError(
      `Cannot use the widths ${widths} of ${name}: its sizes are those of its name`,
    );
  }
  const sizes = widths.split("-").map(wholeNumber("a width of", 1));
  return usual.kind === "fc_nn" ? { ...usual, hidden: sizes } : { ...usual, channels: sizes };
}

/**
 * Refuses a data set that is neither known nor a folder or address, before any work.
 *
 * @param name What was typed.
 * @param directory Where a known set's files are.
 * @throws {UserError} If the name is unknown, with a near match.
 */
export async function checkDataset(name: string, directory: string | undefined): Promise<void> {
  if (datasetNames.includes(name)) return;
  const isPlace = /[\\/]/.test(name) ||
    await Deno.stat(name).then(({ isDirectory }) => isDirectory, () => false);
  if (!isPlace || directory !== undefined) throw unknownName("data set", name, datasetNames);
}

/**
 * Refuses an architecture that does not fit a data set that is known by name, before any work.
 *
 * @param spec The architecture.
 * @param dataset Name of the data set; any other passes, as its images are known only when it is read.
 * @throws {UserError} If images or classes are others than the architecture is made for.
 */
export function checkFit(spec: ModelSpec, dataset: string): void {
  const form = datasetForm(dataset);
  if (form !== undefined) createModel(spec, form.inputShape, form.classes);
}

/**
 * Makes a parser of a number above 0 for an option.
 *
 * @param what What the number is.
 * @returns A parser that throws a UserError of one line.
 */
export function positiveNumber(what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value > 0 && Number.isFinite(value))) {
      throw new UserError(`Cannot use ${what} ${text}: it must be a number above 0`);
    }
    return value;
  };
}

/**
 * Makes a parser of a number that may be 0 for an option.
 *
 * @param what What the number is.
 * @param below What it must stay below; no bound if left out.
 * @returns A parser that throws a UserError of one line.
 */
export function numberFromZero(
  what: string,
  below: number = Infinity,
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= 0 && value < below)) {
      const range = below === Infinity ? "at least 0" : `from 0 to less than ${below}`;
      throw new UserError(`Cannot use ${what} ${text}: it must be a number ${range}`);
    }
    return value;
  };
}

/**
 * Makes a parser of one of a few names for an option.
 *
 * @param what What the name stands for.
 * @param allowed Every name.
 * @returns A parser that throws a UserError with a near match.
 */
export function oneOf<T extends string>(what: string, allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((name) => name === text);
    if (found === undefined) throw unknownName(what, text, allowed);
    return found;
  };
}

/**
 * Resolves a path as the person who typed it meant it: tasks run in the folder of the project.
 *
 * @param path What was typed.
 * @returns The same place, absolute.
 */
export function userPath(path: string): string {
  return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
}

/**
 * Resolves what may be a name, a path or an address; only paths change.
 *
 * @param text What was typed.
 * @returns A name or address as it is, a path absolute.
 */
export function userPlace(text: string): string {
  const isPath = /[\\/]/.test(text) && !/^https?:/.test(text);
  return isPath ? userPath(text) : text;
}
