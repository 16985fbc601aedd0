import { existsSync } from "node:fs";
import {
  BITS,
  type Bits,
  codeBits,
  gridMistakes,
  isBits,
  observerMistakes,
  type WeightGridOptions,
  type WeightGridSpec,
  type WeightObserverSpec,
  type WeightRounding,
} from "../compression/mod.ts";
import type { MethodQuantization } from "../experiments/inspect/method_variant.ts";
import type { NetworkQuantization } from "../experiments/inspect/variant.ts";
import { unknownName, UserError } from "../formats/mod.ts";
import { GRID_OPTIONS, isGridKind } from "./grid_options.ts";
import { isMethod, METHODS, parseMethod } from "./method_spec.ts";
import { userPath } from "./options.ts";

const FOR_ALL = ["granularity", "group", "rounding", "activations", "calibration"];
/** Kinds of grids whose levels do not include 0. */
const WITHOUT_ZERO: readonly string[] = ["binary", "lloydMax"];
/** Options that are said by their name alone; `activations` may be either. */
const FLAGS = ["symmetric", "narrow"];
/** How ranges are found; a percentile has its number behind a colon. */
const OBSERVERS = ["minMax", "meanSquaredError", "entropy", "percentile"];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  granularity: ["tensor", "channel"],
  scale: ["float", "powerOfTwo"],
  rounding: ["nearestEven", "towardZero", "down"],
};

/** What `inspect` takes for a quantized form of a network. */
export const SPEC_HELP: string = "KIND:OPTION,OPTION..., such as affine:bits=4 or gptq:bits=3";

/** A network as it was typed: a file, and what shall be done to it. */
export interface VariantSpec {
  /** As it was typed. */
  readonly text: string;
  /** Path of the file as it was typed; absent where the other network's file is meant. */
  readonly path?: string;
  /** How to quantize it, if at all. */
  readonly quantization?: NetworkQuantization | MethodQuantization;
}

function readBits(name: string, text: string): Bits {
  const bits = Number(text);
  if (isBits(bits) && text.trim() !== "") return bits;
  const range = `a whole number from ${BITS.least} to ${BITS.most}`;
  throw new UserError(`Cannot quantize: ${name} must be ${range}: ${text || "nothing"}`);
}

/** Splits `bits=4,symmetric` and refuses what the kind does not take. */
function readOptions(kind: WeightGridSpec["kind"], text: string): Map<string, string> {
  const known = [...GRID_OPTIONS[kind], ...FOR_ALL];
  const options = new Map<string, string>();
  for (const part of text.split(",").filter((one) => one !== "")) {
    const [name, value] = part.split(/=(.*)/s);
    if (!known.includes(name)) throw unknownName(`option of ${kind}`, name, known);
    if (options.has(name)) {
      throw new UserError(`Cannot quantize: ${name} must be said once: ${text}`);
    }
    const allowed = VALUES[name];
    if (allowed !== undefined && !allowed.includes(value)) {
      throw unknownName(name, value ?? "", allowed);
    }
    if (FLAGS.includes(name) && value !== undefined) {
      throw new UserError(`Cannot quantize: ${name} is said without a value: ${part}`);
    }
    options.set(name, value ?? "");
  }
  return options;
}

function readGranularity(options: ReadonlyMap<string, string>): WeightGridOptions["granularity"] {
  const group = options.get("group");
  if (group === undefined) {
    return (options.get("granularity") ?? "tensor") as "tensor" | "channel";
  }
  if (options.has("granularity")) {
    throw new UserError("Cannot quantize: granularity and group are one choice: both are given");
  }
  const size = Number(group);
  if (group.trim() !== "" && Number.isInteger(size) && size >= 1) return { group: size };
  throw new UserError(
    `Cannot quantize: group must be a whole number from 1: ${group || "nothing"}`,
  );
}

/** Reads `minMax`, `percentile:99.9` and the like. */
function readObserver(name: string, text: string | undefined): WeightObserverSpec | undefined {
  if (text === undefined) return undefined;
  const [kind, share, ...more] = text.split(":");
  if (!OBSERVERS.includes(kind)) throw unknownName(name, kind, OBSERVERS);
  if (kind !== "percentile" && share === undefined) return { kind } as WeightObserverSpec;
  const percentile = Number(share || NaN);
  if (kind === "percentile" && !Number.isNaN(percentile) && more.length === 0) {
    return { kind, percentile };
  }
  throw new UserError(
    `Cannot quantize: ${name} must be one of ${OBSERVERS.join(", ")}, the last with its number, ` +
      `such as percentile:99.9: ${text}`,
  );
}

/**
 * Reads how a network is to be quantized, such as
 * `affine:bits=4,granularity=channel,activations` or `ternary`.
 *
 * @param text What was typed.
 * @returns Grids, rounding and bits of activations.
 * @throws {UserError} If a kind, option or value is unknown, with a near match, a number is out of range,
 *   or no weight can have such a grid.
 */
export function parseQuantization(text: string): NetworkQuantization {
  const [kind, rest = ""] = text.split(/:(.*)/s);
  if (!isGridKind(kind)) {
    throw unknownName("quantization", kind, [...Object.keys(GRID_OPTIONS), ...METHODS]);
  }
  const options = readOptions(kind, rest);
  if (GRID_OPTIONS[kind].includes("bits") && !options.has("bits")) {
    throw new UserError(`Cannot quantize: ${kind} needs its bits, such as ${kind}:bits=4: ${text}`);
  }
  const grid = {
    kind,
    ...options.has("bits") && { bits: readBits("bits", options.get("bits")!) },
    ...options.has("symmetric") && { symmetric: true },
    ...options.has("narrow") && { narrow: true },
    ...options.has("scale") && { scale: options.get("scale") },
  } as WeightGridSpec;
  const observer = readObserver("observer", options.get("observer"));
  const weights = {
    grid,
    granularity: readGranularity(options),
    ...observer && { observer },
  } as WeightGridOptions;
  const activations = options.get("activations");
  const calibration = readObserver("calibration", options.get("calibration"));
  if (calibration !== undefined && activations === undefined) {
    throw new UserError(`Cannot quantize: calibration is for activations: there are none: ${text}`);
  }
  const ownBits = activations === "" ? codeBits(grid) : undefined;
  const quantization = {
    weights,
    rounding: (options.get("rounding") ?? "nearestEven") as WeightRounding,
    ...activations !== undefined && {
      activationBits: ownBits ?? readBits("activations", activations),
      ...calibration && { calibration },
    },
  };
  refuseImpossible(quantization, text);
  return quantization;
}

/** Refuses what can be known to fail before there is a network; only then do the types hold. */
function refuseImpossible(
  { weights, rounding, activationBits, calibration }: NetworkQuantization,
  text: string,
): void {
  const { kind } = weights.grid;
  const isTowardNothing = rounding === "towardZero" && WITHOUT_ZERO.includes(kind);
  const mistakes = [
    ...gridMistakes(weights),
    ...isTowardNothing ? [`rounding toward zero needs a level 0: ${kind} grids have none`] : [],
    ...calibration === undefined ? [] : observerMistakes(calibration, activationBits),
  ];
  if (mistakes.length > 0) {
    throw new UserError(`Cannot quantize: ${mistakes.join("; ")}: ${text}`);
  }
}

function fileExists(path: string): boolean {
  return existsSync(userPath(path));
}

/** Reads grids to round to, or a method. */
function parseSpec(text: string): NetworkQuantization | MethodQuantization {
  const [kind, rest = ""] = text.split(/:(.*)/s);
  return isMethod(kind) ? parseMethod(kind, rest, parseQuantization) : parseQuantization(text);
}

/**
 * Reads one of two networks: `FILE`, `FILE@SPEC`, or `SPEC` for the other network's file.
 *
 * @param text What was typed; a file whose name looks like a quantization is said as `./NAME`.
 * @param exists Tells whether there is a file at a path as it was typed.
 * @returns The file and what shall be done to it.
 * @throws {UserError} If the quantization is not one, with a near match; also of a text that looks like one
 *   where there is no such file.
 */
export function parseVariant(
  text: string,
  exists: (path: string) => boolean = fileExists,
): VariantSpec {
  const [word] = text.split(":");
  if (isGridKind(word) || isMethod(word)) return { text, quantization: parseSpec(text) };
  const at = text.lastIndexOf("@");
  const spec = text.slice(at + 1);
  // a folder may have an @ in its name
  if (at < 1 || spec.includes("/")) {
    // a single letter may be a drive
    if (/^\w{2,}:[^/\\]*$/.test(text) && !exists(text)) parseQuantization(text);
    return { text, path: text };
  }
  return { text, path: text.slice(0, at), quantization: parseSpec(spec) };
}
