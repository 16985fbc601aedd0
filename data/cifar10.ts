import { UserError } from "../formats/mod.ts";
import { type Archive, fetchArchive } from "./archive.ts";
import { cacheDirectory } from "./cache_directory.ts";
import {
  BATCH_FILES,
  type Cifar10Files,
  CLASS_NAMES_FILE,
  decodeBatches,
  decodeClassNames,
  holdsBatches,
  readBatches,
} from "./cifar10_batches.ts";
import type { Dataset } from "./dataset.ts";
import { isUrl } from "./idx_files.ts";
import type { DownloadProgress } from "./resumable_download.ts";
import { verifySha256 } from "./sha256.ts";

/** SHA-256 of the content, not compressed, of the files of the binary version. */
export const cifar10Sha256: Readonly<Record<string, string>> = {
  "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
  "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
  "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
  "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
  "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
  "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
  "batches.meta.txt": "558e74b5e208382e186da55784b4bac2cd52e558448e1b5800990fdb28ed8033",
};

/** The set's home, and what it gives. */
const HOME: Archive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  size: 170_052_171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  files: [...BATCH_FILES, CLASS_NAMES_FILE],
};

/** Training images kept for choices: a fifth, the last batch. */
const VALIDATION_COUNT = 10_000;

/** Where CIFAR-10 may come from. */
export interface Cifar10Options {
  /** Folder that holds the files, or the folder `cifar10`; or `http(s)` address of the archive. */
  readonly directory?: string;
  /** Whether to fetch the archive where the files are nowhere; true if left out. */
  readonly mayDownload?: boolean;
  /** Told how much of the archive has come. */
  readonly onProgress?: DownloadProgress;
}

/** A folder, and the folders in it that the files may be in. */
function placesIn(folder: string): string[] {
  const base = folder.replace(/[\\/]+$/, "");
  return [`${base}/cifar10`, `${base}/cifar-10-batches-bin`, base];
}

async function firstThatHolds(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    if (await holdsBatches(folder)) return folder;
  }
  return undefined;
}

/** Finds the files, or fetches them into the cache. */
async function findFolder(options: Cifar10Options): Promise<string> {
  const { directory, mayDownload = true, onProgress } = options;
  if (directory !== undefined && !isUrl(directory)) {
    const places = placesIn(directory);
    // where none of them holds a batch, the last one is told to lack them all
    return await firstThatHolds(places) ?? places.at(-1)!;
  }
  const data = directory === undefined ? Deno.env.get("BITCLIFF_DATA") : undefined;
  const kept = `${cacheDirectory()}/cifar10`;
  const places = [...(data ? placesIn(data) : []), kept];
  const found = await firstThatHolds(places);
  if (found !== undefined) return found;
  if (!mayDownload) {
    throw new UserError(
      `Cannot load data set "cifar10": expected its files in ${places.join(" or ")}: found none; ` +
        "`./bitcliff data cifar10` downloads them, 162 MiB",
    );
  }
  await fetchArchive({ ...HOME, url: directory ?? HOME.url }, kept, onProgress);
  return kept;
}

async function verify(files: Cifar10Files): Promise<void> {
  for (const [file, digest] of Object.entries(cifar10Sha256)) {
    await verifySha256(files[file].bytes, digest, files[file].name);
  }
}

/**
 * Loads CIFAR-10: 50,000 training and 10,000 test images of ten kinds of things, 3 x 32 x 32, in color.
 *
 * Looks in the folder that the variable `BITCLIFF_DATA` names, in `cifar10` or `cifar-10-batches-bin`
 * inside it, then in the cache; else fetches the binary version, 162 MiB, from its home into the cache.
 * For choices the last of the five training batches is kept, as 10,000 images halve the error of 2,500.
 *
 * @param options Where the files may come from.
 * @returns The data set, every file verified.
 * @throws {UserError} If files are missing, cut or not the right ones, or cannot be fetched.
 * @see Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images
 */
export async function loadCifar10(options: Cifar10Options = {}): Promise<Dataset> {
  const folder = await findFolder(options);
  const files = await readBatches(folder);
  await verify(files);
  const classes = decodeClassNames(files[CLASS_NAMES_FILE]);
  const batches = BATCH_FILES.map((file) => files[file]);
  return {
    name: "cifar10",
    source: folder,
    classes,
    train: decodeBatches(batches.slice(0, -1), classes.length),
    test: decodeBatches(batches.slice(-1), classes.length),
    validationCount: VALIDATION_COUNT,
    sha256: cifar10Sha256,
    sizes: Object.fromEntries(
      Object.entries(files).map(([file, { bytes }]) => [file, bytes.length]),
    ),
  };
}
