import { gunzip, UserError } from "../formats/mod.ts";
import type { ImageSet } from "./dataset.ts";
import { checkLabels, type NamedBytes } from "./image_set.ts";

/** Red, green and blue. */
const CHANNELS = 3;
const SIDE = 32;
const PIXELS = CHANNELS * SIDE * SIDE;
/** A label byte, then the pixels, channel by channel and row by row. */
const RECORD = 1 + PIXELS;
/** Images in each file. */
const BATCH = 10_000;

/** Bytes of every file that is not the list of class names. */
const BATCH_BYTES = BATCH * RECORD;

/** The file of class names, one a line in label order. */
export const CLASS_NAMES_FILE = "batches.meta.txt";

/** Files of labeled images: five to learn from, and the test set. */
export const BATCH_FILES: readonly string[] = [
  "data_batch_1.bin",
  "data_batch_2.bin",
  "data_batch_3.bin",
  "data_batch_4.bin",
  "data_batch_5.bin",
  "test_batch.bin",
];

/** Content of the set's files by name, not compressed. */
export type Cifar10Files = Readonly<Record<string, NamedBytes>>;

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isAbsent) return undefined;
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`Cannot read "${path}": ${reason}`, { cause: error });
  }
}

/** A file as it is or gzip'd, whichever is there. */
async function readPlain(folder: string, file: string): Promise<NamedBytes | undefined> {
  const name = `${folder}/${file}`;
  const bytes = await readIfThere(name);
  if (bytes !== undefined) return { name, bytes };
  const zipped = await readIfThere(`${name}.gz`);
  return zipped && { name: `${name}.gz`, bytes: await gunzip(zipped, `${name}.gz`) };
}

/**
 * Tells whether a folder holds at least one of the set's files.
 *
 * @param folder Path of the folder.
 * @returns True if it does; what is missing then is a mistake to be told.
 */
export async function holdsBatches(folder: string): Promise<boolean> {
  const names = BATCH_FILES.flatMap((file) => [file, `${file}.gz`]);
  const found = await Promise.all(
    names.map((name) => Deno.stat(`${folder}/${name}`).then(() => true, () => false)),
  );
  return found.includes(true);
}

/**
 * Reads the set's seven files from a folder, each as it is or gzip'd.
 *
 * @param folder Path of the folder.
 * @returns Their content.
 * @throws {UserError} If files are missing or have another length: all of them at once; or one cannot
 *   be read or decompressed.
 */
export async function readBatches(folder: string): Promise<Cifar10Files> {
  const names = [...BATCH_FILES, CLASS_NAMES_FILE];
  const files = await Promise.all(names.map((file) => readPlain(folder, file)));
  const complaints = names.flatMap((file, i) => {
    const found = files[i]?.bytes.length;
    const expected = file === CLASS_NAMES_FILE ? undefined : BATCH_BYTES;
    if (found !== undefined && (expected === undefined || found === expected)) return [];
    const wanted = expected === undefined ? "" : `: expected ${expected} bytes`;
    return `${file}${wanted}: ${found === undefined ? "it is missing" : `found ${found}`}`;
  });
  if (complaints.length > 0) {
    throw new UserError(
      `Cannot read CIFAR-10 from "${folder}": every batch must be whole: ${complaints.join("; ")}`,
    );
  }
  return Object.fromEntries(names.map((file, i) => [file, files[i]!]));
}

/**
 * Reads the list of class names.
 *
 * @param file Content of `batches.meta.txt`.
 * @returns Names in label order.
 */
export function decodeClassNames({ bytes }: NamedBytes): string[] {
  return new TextDecoder().decode(bytes).split(/\r?\n/).filter((name) => name !== "");
}

/**
 * Puts the records of batches one after another: labels apart from pixels.
 *
 * @param batches Content of batch files.
 * @param classCount Classes that exist.
 * @returns The images, `[count, 3, 32, 32]`.
 * @throws {UserError} If a label names no class.
 * @see Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images
 */
export function decodeBatches(batches: readonly NamedBytes[], classCount: number): ImageSet {
  const count = BATCH * batches.length;
  const images = new Uint8Array(count * PIXELS);
  const labels = new Uint8Array(count);
  for (const [batch, { name, bytes }] of batches.entries()) {
    for (let i = 0; i < BATCH; i++) {
      const image = batch * BATCH + i;
      const record = i * RECORD;
      labels[image] = bytes[record];
      images.set(bytes.subarray(record + 1, record + RECORD), image * PIXELS);
    }
    checkLabels(labels.subarray(batch * BATCH, (batch + 1) * BATCH), classCount, name);
  }
  return { images, labels, count, channels: CHANNELS, height: SIDE, width: SIDE };
}
