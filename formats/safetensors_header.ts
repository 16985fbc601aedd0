import { cutShort, tooLong } from "./cut_short.ts";
import { UserError } from "./user_error.ts";
import { elementBytes, isSafetensorsDtype, type SafetensorsDtype } from "./safetensors_types.ts";

/** One tensor of a safetensors header, checked. */
export interface SafetensorsEntry {
  /** The tensor's name. */
  readonly name: string;
  /** Element type. */
  readonly dtype: SafetensorsDtype;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** First byte, counted from the end of the header. */
  readonly begin: number;
  /** The byte after the last, counted from the end of the header. */
  readonly end: number;
}

/** A checked header of a safetensors file. */
export interface SafetensorsHeader {
  /** Tensors in the order of their bytes. */
  readonly entries: readonly SafetensorsEntry[];
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the tensors' bytes begin in the file. */
  readonly dataStart: number;
}

/** The reference implementation refuses longer headers, so that a file cannot ask for any memory. */
const LONGEST_HEADER = 100_000_000;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);
}

/** Finds a key that is written twice; `JSON.parse` would silently keep the last one. */
function repeatedKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g) ?? [];
  for (const [i, token] of tokens.entries()) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token !== ":" && tokens[i + 1] === ":") {
      const key: string = JSON.parse(token);
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/** Reads the length, the UTF-8 and the JSON of a header. */
function parseHeader(bytes: Uint8Array, file: string): [Record<string, unknown>, number] {
  if (bytes.length < 8) throw cutShort(file, "container", bytes.length, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > LONGEST_HEADER) {
    throw new UserError(
      `Cannot decode "${file}": the header must be at most ${LONGEST_HEADER} bytes: ` +
        `found ${length}`,
    );
  }
  const dataStart = 8 + Number(length);
  if (bytes.length < dataStart) throw cutShort(file, "container", bytes.length, dataStart);
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart));
    header = JSON.parse(text);
    const repeated = repeatedKey(text);
    if (repeated !== undefined) {
      throw new UserError(
        `Cannot decode "${file}": every tensor must be named once: found "${repeated}" twice`,
      );
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const found = error instanceof Error ? error.message : String(error);
    throw new UserError(`Cannot decode "${file}": the header must be JSON in UTF-8: ${found}`, {
      cause: error,
    });
  }
  if (!isRecord(header)) {
    throw new UserError(`Cannot decode "${file}": the header must be a JSON object`);
  }
  return [header, dataStart];
}

function checkMetadata(metadata: unknown, file: string): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isRecord(metadata)) {
    throw new UserError(`Cannot decode "${file}": __metadata__ must be a JSON object of strings`);
  }
  const checked = Object.entries(metadata).map(([key, value]) => {
    if (typeof value === "string") return [key, value] as const;
    throw new UserError(
      `Cannot decode "${file}": metadata "${key}" must be a string: found ${JSON.stringify(value)}`,
    );
  });
  return Object.fromEntries(checked);
}

function checkEntry(name: string, entry: unknown, file: string): SafetensorsEntry {
  const where = `Cannot decode "${file}": tensor "${name}"`;
  if (!isRecord(entry)) {
    throw new UserError(`${where} must be a JSON object: found ${JSON.stringify(entry)}`);
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isSafetensorsDtype(dtype)) {
    throw new UserError(
      `${where} must have a dtype of ${Object.keys(elementBytes).join(", ")}: ` +
        `found ${JSON.stringify(dtype)}`,
    );
  }
  if (!isSizes(shape)) {
    throw new UserError(
      `${where} must have a shape of whole numbers: found ${JSON.stringify(shape)}`,
    );
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw new UserError(
      `${where} must have two data_offsets: found ${JSON.stringify(offsets)}`,
    );
  }
  const [begin, end] = offsets;
  const size = shape.reduce((product, axis) => product * axis, elementBytes[dtype]);
  if (end - begin !== size) {
    throw new UserError(
      `${where} of ${dtype} [${shape}] must take ${size} bytes: found data_offsets ${begin} to ${end}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/**
 * Reads and checks the header of a safetensors file: every tensor lies inside the file, none overlaps
 * another, and no byte belongs to none.
 *
 * @param bytes The whole file.
 * @param file The file's name, for errors.
 * @returns The tensors' places and the metadata.
 * @throws {UserError} If the file is cut or too long, the header is not what the format says, a name
 * occurs twice, or tensors overlap or leave a gap.
 *
 * @see Hugging Face 2022, safetensors, "Format": https://github.com/huggingface/safetensors
 */
export function readSafetensorsHeader(bytes: Uint8Array, file: string): SafetensorsHeader {
  const [{ __metadata__, ...tensors }, dataStart] = parseHeader(bytes, file);
  const metadata = checkMetadata(__metadata__, file);
  const entries = Object.entries(tensors)
    .map(([name, entry]) => checkEntry(name, entry, file))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let previous = { name: "the header", end: 0 };
  for (const { name, begin, end } of entries) {
    if (begin !== previous.end) {
      throw new UserError(
        `Cannot decode "${file}": tensor "${name}" must begin at byte ${previous.end}, where ` +
          `${previous.name} ends: found ${begin}, ${begin < previous.end ? "an overlap" : "a gap"}`,
      );
    }
    previous = { name: `tensor "${name}"`, end };
  }
  const expected = dataStart + previous.end;
  if (bytes.length < expected) throw cutShort(file, "container", bytes.length, expected);
  if (bytes.length > expected) throw tooLong(file, "container", bytes.length, expected);
  return { entries, metadata, dataStart };
}
