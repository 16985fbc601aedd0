import { UserError } from "../formats/mod.ts";
import { cacheDirectory } from "./cache_directory.ts";
import type { Dataset } from "./dataset.ts";
import { fetchIdxFolder, type IdxFile, isUrl, readIdxFolder, verifyContent } from "./idx_files.ts";
import { idxName, idxParts } from "./idx_names.ts";
import { checkLabels, imageSetFromIdx } from "./image_set.ts";

/** What to load, and what it must be. */
export interface IdxFolder {
  /** Path or `http(s)` address of the folder that holds the four files. */
  readonly folder: string;
  /** Short name of the data set. */
  readonly name: string;
  /** Where the files come from, in words; the folder if left out. */
  readonly source?: string;
  /** What each label stands for; the digits up to the highest training label if left out. */
  readonly classes?: readonly string[];
  /** SHA-256 by file name, of the content, or of a `.gz` file under its own name. */
  readonly sha256?: Readonly<Record<string, string>>;
  /** Where downloads are kept; {@linkcode cacheDirectory} if left out. */
  readonly cacheDirectory?: string;
}

/**
 * Loads a data set in MNIST's layout: four idx files, compressed or not, named
 * `train-images-idx3-ubyte` or `train-images.idx3-ubyte` and so on.
 *
 * A local folder needs the permission to read it. An address needs the network, the cache folder and
 * {@linkcode cacheDirectory}'s variables, and every file a SHA-256: given, or in a file `SHA256SUMS`
 * at the same address.
 *
 * @param from What to load.
 * @returns The data set; pixels and labels are views into the files' content.
 * @throws {UserError} If a file is missing, cut, corrupt or not the right one, or files do not fit
 * together.
 */
export async function loadIdxFolder(from: IdxFolder): Promise<Dataset> {
  const { folder, name, source = folder, sha256 = {} } = from;
  const files = isUrl(folder)
    ? await fetchIdxFolder(folder, sha256, from.cacheDirectory ?? cacheDirectory())
    : await readIdxFolder(folder, sha256);

  const train = imageSetFromIdx(files["train-images"], files["train-labels"]);
  const test = imageSetFromIdx(files["t10k-images"], files["t10k-labels"]);
  verifyContent(files, sha256);
  const trainSize = [train.channels, train.height, train.width];
  const testSize = [test.channels, test.height, test.width];
  if (trainSize.join() !== testSize.join()) {
    throw new UserError(
      `Cannot read images from "${
        files["t10k-images"].name
      }": expected [channels, height, width] ` +
        `[${trainSize.join(", ")}] as in training: found [${testSize.join(", ")}]`,
    );
  }
  const highest = train.labels.reduce((high, label) => Math.max(high, label), 0);
  const classes = from.classes ?? Array.from({ length: highest + 1 }, (_, label) => `${label}`);
  checkLabels(train.labels, classes.length, files["train-labels"].name);
  checkLabels(test.labels, classes.length, files["t10k-labels"].name);
  const byName = <T>(of: (file: IdxFile) => T): Record<string, T> =>
    Object.fromEntries(idxParts.map((part) => [idxName(part), of(files[part])]));
  return {
    name,
    source,
    classes,
    train,
    test,
    validationCount: Math.floor(train.count / 6),
    sha256: byName((file) => file.sha256),
    sizes: byName((file) => file.bytes.length),
  };
}
