import { codeBits, HQQ_BITS, isHqqBits } from "../compression/mod.ts";
import type {
  MethodQuantization,
  ReconstructionQuantization,
} from "../experiments/inspect/method_variant.ts";
import type { NetworkQuantization } from "../experiments/inspect/variant.ts";
import { GRID_OPTIONS, isGridKind } from "./grid_options.ts";
import { unknownName, UserError } from "../formats/mod.ts";
import { wholeNumber } from "./options.ts";

const FOR_ALL = ["bits", "granularity", "group", "activations", "calibration"];
const CALIBRATED = ["grid", "symmetric", "narrow", "scale", "observer", "images"];
/** What a reconstruction is told beside its grids and images. */
const LEARNED = ["steps", "blocks", "weighting"];
const BLOCKS = ["network", "layer", "residual"];
const WEIGHTINGS = ["uniform", "fisher"];

/** Options of each post-training method. */
const OPTIONS: Readonly<Record<MethodQuantization["method"], readonly string[]>> = {
  bias_correction: [...FOR_ALL, ...CALIBRATED],
  gptq: [...FOR_ALL, ...CALIBRATED],
  obq: [...FOR_ALL, ...CALIBRATED],
  ada_round: [...FOR_ALL, ...CALIBRATED],
  second_order: [...FOR_ALL, ...CALIBRATED],
  reconstruction: [...FOR_ALL, ...CALIBRATED, ...LEARNED],
  hqq: FOR_ALL,
};
/** Names of the methods. */
export const METHODS: readonly string[] = Object.keys(OPTIONS);

/**
 * Tells whether a quantization is by a post-training method.
 *
 * @param word What stands before the colon.
 * @returns True for the name of one.
 */
export function isMethod(word: string): word is MethodQuantization["method"] {
  return METHODS.includes(word);
}

/**
 * Reads a post-training method and its grids, such as `gptq:bits=3,group=16`.
 *
 * What is left out is as in sweeps: grids of equal steps per channel, over the range of least squared
 * error.
 *
 * @param method Its name.
 * @param text What stands behind the colon.
 * @param parseGrids Reads grids and activations, such as `affine:bits=3,group=16`.
 * @returns What the method is told.
 * @throws {UserError} If an option or value is unknown, with a near match, or a number is out of range.
 */
export function parseMethod(
  method: MethodQuantization["method"],
  text: string,
  parseGrids: (text: string) => NetworkQuantization,
): MethodQuantization {
  const parts = text.split(",").filter((one) => one !== "")
    .map((one) => ({ one, name: one.split("=")[0] }));
  for (const { name } of parts) {
    if (!OPTIONS[method].includes(name)) {
      throw unknownName(`option of ${method}`, name, OPTIONS[method]);
    }
  }
  const has = (...names: string[]) => parts.some(({ name }) => names.includes(name));
  const own = (wanted: string): string | undefined => {
    const found = parts.filter(({ name }) => name === wanted);
    if (found.length > 1) {
      throw new UserError(`Cannot quantize: ${wanted} must be said once: ${text}`);
    }
    return found.at(0)?.one.slice(wanted.length + 1);
  };
  const grid = own("grid") ?? "affine";
  if (!isGridKind(grid)) throw unknownName("grid", grid, Object.keys(GRID_OPTIONS));
  if (!has("bits") && GRID_OPTIONS[grid].includes("bits")) {
    throw new UserError(
      `Cannot quantize: ${method} needs its bits, such as ${method}:bits=3: ${text || "nothing"}`,
    );
  }
  const [images, steps, blocks, weighting] = ["images", "steps", "blocks", "weighting"].map(own);
  if (blocks !== undefined && !BLOCKS.includes(blocks)) throw unknownName("blocks", blocks, BLOCKS);
  if (weighting !== undefined && !WEIGHTINGS.includes(weighting)) {
    throw unknownName("weighting", weighting, WEIGHTINGS);
  }
  const { weights, activationBits, calibration } = parseGrids(
    `${grid}:${
      [
        ...parts.filter(({ name }) => !["grid", "images", ...LEARNED].includes(name))
          .map(({ one }) => one),
        ...has("granularity", "group") ? [] : ["granularity=channel"],
        ...!has("observer") && GRID_OPTIONS[grid].includes("observer")
          ? ["observer=meanSquaredError"]
          : [],
      ].join(",")
    }`,
  );
  const ofInputs = {
    ...activationBits !== undefined && { activationBits },
    ...calibration && { calibration },
  };
  if (method === "hqq") {
    const bits = codeBits(weights.grid);
    if (!isHqqBits(bits)) {
      const { least, most } = HQQ_BITS;
      throw new UserError(`Cannot quantize: hqq takes ${least} to ${most} bits: ${bits}`);
    }
    return { method, bits, granularity: weights.granularity, ...ofInputs };
  }
  const calibrated = {
    weights,
    ...images !== undefined && { images: wholeNumber("images", 1)(images) },
    ...ofInputs,
  };
  if (method !== "reconstruction") return { method, ...calibrated };
  return {
    method,
    ...calibrated,
    ...steps !== undefined && { steps: wholeNumber("steps", 1)(steps) },
    ...blocks !== undefined && { blocks: blocks as ReconstructionQuantization["blocks"] },
    ...weighting === "fisher" && { weighting },
  };
}
