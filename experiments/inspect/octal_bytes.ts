import {
  encodeOctalText,
  type LevelQuantization,
  packOctal,
  packPlain,
  quantizeToLevels,
} from "../../compression/mod.ts";
import { decodeSafetensors, UserError } from "../../formats/mod.ts";
import { isForTraining } from "../../training/mod.ts";
import { numbersOf } from "./checkpoint_summary.ts";

/** What the codes of a network take, written in four ways; magnitudes and signs, no header. */
export interface OctalBytes extends LevelQuantization {
  /** Weights that are written, those of all layers one after the other. */
  readonly weights: number;
  /** Bytes of a text in base 8, a line a weight. */
  readonly octalText: number;
  /** Bytes of a text in base 10, a line a weight. */
  readonly decimalText: number;
  /** Bytes where every octal digit takes 3 bits. */
  readonly octalDigits: number;
  /** Bytes of plain binary numbers. */
  readonly plainBits: number;
}

/** Bits of a magnitude and roundings that are compared, at the fixed scale 1 / (2^b - 1). */
const GRIDS: readonly LevelQuantization[] = ([8, 6, 4, 3] as const).flatMap((bits) =>
  (["towardZero", "nearestEven"] as const).map((rounding) => ({ bits, rounding, scale: "fixed" }))
);

function weightsOf(file: Uint8Array, label: string): [name: string, values: Float32Array][] {
  const found = [...decodeSafetensors(file, label).tensors].filter(([name, { dtype, shape }]) =>
    name.endsWith(".weight") && shape.length >= 2 && !isForTraining(name) && /F/.test(dtype)
  );
  if (found.length === 0) {
    throw new UserError(
      `Cannot write ${label} in base 8: there must be weights, floating-point tensors of two axes or ` +
        "more with names such as fc1.weight: there is none",
    );
  }
  return found.map(([name, tensor]) => {
    const values = Float32Array.from(numbersOf(tensor));
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return [name, values];
    throw new UserError(
      `Cannot write ${label} in base 8: weights must be finite: ${name}[${bad}] is ${values[bad]}`,
    );
  });
}

/**
 * Puts the weights of a file on grids of 1 / (2^b - 1) and measures what their codes take in base 8, in
 * base 10, in octal digits of 3 bits and in plain bits: the bytes are made, not estimated.
 *
 * @param file A safetensors file; biases, norms and what only training needs are left out.
 * @param label What to call it in an error, such as its path.
 * @returns One entry for 8, 6, 4 and 3 bits of a magnitude, truncated toward zero and rounded.
 * @throws {UserError} If it cannot be read, has no weights, or one is not finite.
 */
export function octalBytes(file: Uint8Array, label: string): OctalBytes[] {
  const weights = weightsOf(file, label);
  return GRIDS.map((grid) => {
    const codes = weights.flatMap(([, values]) =>
      Array.from(quantizeToLevels(values, [1, values.length], grid).codes)
    );
    const format = { bits: grid.bits, isSigned: true };
    const decimal = new TextEncoder().encode(codes.map((code) => `${code}\n`).join(""));
    return {
      ...grid,
      weights: codes.length,
      octalText: encodeOctalText(codes).length,
      decimalText: decimal.length,
      octalDigits: packOctal(codes, format).length,
      plainBits: packPlain(codes, format).length,
    };
  });
}
