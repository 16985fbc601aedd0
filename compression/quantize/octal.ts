/** How the integers of a quantized weight are written. */
export interface CodeFormat {
  /** Bits of a magnitude, 1 to 16. */
  readonly bits: number;
  /** True if a bit for the sign stands before every magnitude. */
  readonly isSigned: boolean;
}

/** Bits of an octal digit. */
const DIGIT_BITS = 3;

/**
 * Writes an integer in base 8, as Python's `oct` does: a notation, and the same integer.
 *
 * @param code A whole number.
 * @returns Such as `0o277` for 191, or `-0o277`.
 * @throws {RangeError} If it is not a whole number.
 */
export function octalText(code: number): string {
  if (!Number.isSafeInteger(code)) {
    throw new RangeError(`Cannot write in base 8: the code must be a whole number: ${code}`);
  }
  return `${code < 0 ? "-" : ""}0o${Math.abs(code).toString(8)}`;
}

/**
 * Writes codes as text in base 8, a line each: the largest way to keep them.
 *
 * @param codes Whole numbers.
 * @returns The text as bytes of a file.
 */
export function encodeOctalText(codes: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(Array.from(codes, (code) => `${octalText(code)}\n`).join(""));
}

/**
 * Reads codes from text in base 8.
 *
 * @param bytes From {@link encodeOctalText}.
 * @returns The codes.
 * @throws {RangeError} If a line is not an integer in base 8, or the last one is cut.
 */
export function decodeOctalText(bytes: Uint8Array): Int32Array<ArrayBuffer> {
  const lines = new TextDecoder().decode(bytes).split("\n");
  const cut = lines.pop();
  if (cut !== "") {
    throw new RangeError(`Cannot read octal text: its last line must end: it is cut: "${cut}"`);
  }
  return Int32Array.from(lines, (line, i) => {
    if (!/^-?0o[0-7]+$/.test(line)) {
      throw new RangeError(`Cannot read octal text: line ${i + 1} must be like -0o277: "${line}"`);
    }
    const isNegative = line.startsWith("-");
    return (isNegative ? -1 : 1) * Number.parseInt(line.slice(isNegative ? 3 : 2), 8);
  });
}

/**
 * Tells how many bits a code takes where every octal digit of its magnitude takes 3.
 *
 * @param format Bits of a magnitude, and whether there is a sign.
 * @returns 3 ceil(bits / 3), and one for a sign: never less than plain packing takes.
 */
export function octalBits({ bits, isSigned }: CodeFormat): number {
  return DIGIT_BITS * Math.ceil(bits / DIGIT_BITS) + (isSigned ? 1 : 0);
}

/**
 * Packs codes digit by digit in base 8, 3 bits a digit, the most significant first.
 *
 * A magnitude of 8 bits has three digits and so takes 9 bits; one of 3, 6, 9, 12 or 15 bits takes what
 * {@link packPlain} takes, bit for bit: base 8 is a way to write integers, not to store fewer bits.
 *
 * @param codes Whole numbers that fit the format.
 * @param format Bits of a magnitude, and whether there is a sign.
 * @returns ceil(n octalBits / 8) bytes, the first bit the highest of the first byte.
 * @throws {RangeError} If a code does not fit.
 */
export function packOctal(codes: ArrayLike<number>, format: CodeFormat): Uint8Array<ArrayBuffer> {
  return pack(codes, format, octalBits(format), (magnitude) => {
    const digits = Math.ceil(format.bits / DIGIT_BITS);
    const text = magnitude.toString(8).padStart(digits, "0");
    return Array.from(text, Number).flatMap((digit) => bitsOf(digit, DIGIT_BITS));
  });
}

/**
 * Reads what {@link packOctal} wrote.
 *
 * @param bytes The file.
 * @param count How many codes.
 * @param format As it was packed.
 * @returns The codes.
 * @throws {RangeError} If there are not as many bytes as the codes take.
 */
export function unpackOctal(
  bytes: Uint8Array,
  count: number,
  format: CodeFormat,
): Int32Array<ArrayBuffer> {
  return unpack(bytes, count, format, octalBits(format));
}

/**
 * Packs codes as plain binary numbers.
 *
 * @param codes Whole numbers that fit the format.
 * @param format Bits of a magnitude, and whether there is a sign.
 * @returns ceil(n bits / 8) bytes, with one more bit a code for a sign; the first bit the highest.
 * @throws {RangeError} If a code does not fit.
 */
export function packPlain(codes: ArrayLike<number>, format: CodeFormat): Uint8Array<ArrayBuffer> {
  return pack(codes, format, plainBits(format), (magnitude) => bitsOf(magnitude, format.bits));
}

/**
 * Reads what {@link packPlain} wrote.
 *
 * @param bytes The file.
 * @param count How many codes.
 * @param format As it was packed.
 * @returns The codes.
 * @throws {RangeError} If there are not as many bytes as the codes take.
 */
export function unpackPlain(
  bytes: Uint8Array,
  count: number,
  format: CodeFormat,
): Int32Array<ArrayBuffer> {
  return unpack(bytes, count, format, plainBits(format));
}

function plainBits({ bits, isSigned }: CodeFormat): number {
  return bits + (isSigned ? 1 : 0);
}

/** The lowest bits of a whole number, the highest of them first. */
function bitsOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => value >> (count - 1 - i) & 1);
}

function pack(
  codes: ArrayLike<number>,
  { bits, isSigned }: CodeFormat,
  each: number,
  magnitudeBits: (magnitude: number) => number[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(codes.length * each / 8));
  let at = 0;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    const most = 2 ** bits - 1;
    const least = isSigned ? -most : 0;
    if (!Number.isInteger(code) || code < least || code > most) {
      throw new RangeError(
        `Cannot pack codes: code ${i} must be a whole number from ${least} to ${most}: ${code}`,
      );
    }
    const sign = isSigned ? [code < 0 ? 1 : 0] : [];
    for (const bit of [...sign, ...magnitudeBits(Math.abs(code))]) {
      bytes[at >> 3] |= bit << (7 - at % 8);
      at++;
    }
  }
  return bytes;
}

/** Octal digits of 3 bits each are the magnitude in binary, so both ways are read alike. */
function unpack(
  bytes: Uint8Array,
  count: number,
  { isSigned }: CodeFormat,
  each: number,
): Int32Array<ArrayBuffer> {
  const wanted = Math.ceil(count * each / 8);
  if (bytes.length !== wanted) {
    throw new RangeError(
      `Cannot unpack ${count} codes: they take ${wanted} bytes: there are ${bytes.length}`,
    );
  }
  let at = 0;
  const next = (length: number): number => {
    let value = 0;
    for (let i = 0; i < length; i++, at++) value = 2 * value + (bytes[at >> 3] >> (7 - at % 8) & 1);
    return value;
  };
  return Int32Array.from({ length: count }, () => {
    const isNegative = isSigned && next(1) === 1;
    const magnitude = next(isSigned ? each - 1 : each);
    return isNegative ? -magnitude : magnitude;
  });
}
