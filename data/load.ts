import { unknownName, UserError } from "../formats/mod.ts";
import { loadCifar10 } from "./cifar10.ts";
import type { Dataset } from "./dataset.ts";
import { loadFashionMnist } from "./fashion_mnist.ts";
import { isUrl } from "./idx_files.ts";
import { loadIdxFolder } from "./idx_folder.ts";
import { loadMnist } from "./mnist.ts";
import type { DownloadProgress } from "./resumable_download.ts";

/** Images and classes of a data set. */
export interface DatasetForm {
  /** Channels, height and width of an image. */
  readonly inputShape: readonly [channels: number, height: number, width: number];
  /** Count of classes. */
  readonly classes: number;
}

interface NamedDataset {
  readonly form: DatasetForm;
  readonly load: (options: LoadOptions) => Promise<Dataset>;
}

const MNIST_FORM: DatasetForm = { inputShape: [1, 28, 28], classes: 10 };

/** The data sets that are known by name. */
const named: Readonly<Record<string, NamedDataset>> = {
  "mnist": { form: MNIST_FORM, load: ({ directory }) => loadMnist(directory) },
  "fashion-mnist": { form: MNIST_FORM, load: ({ directory }) => loadFashionMnist(directory) },
  "cifar10": { form: { inputShape: [3, 32, 32], classes: 10 }, load: loadCifar10 },
};

/** Names that {@linkcode loadDataset} knows; it also takes the path or address of a folder. */
export const datasetNames: readonly string[] = Object.keys(named);

/**
 * Tells what the images of a data set are like before it is loaded.
 *
 * @param name Of a data set.
 * @returns Their shape and the count of classes; `undefined` for a set that is not known by name.
 */
export function datasetForm(name: string): DatasetForm | undefined {
  return Object.hasOwn(named, name) ? named[name].form : undefined;
}

/** Where a data set's files are, and what they must be. */
export interface LoadOptions {
  /** Folder or `http(s)` address of the files of a data set that is known by name. */
  readonly directory?: string;
  /** SHA-256 by file name of the files of a folder; a set known by name brings its own. */
  readonly sha256?: Readonly<Record<string, string>>;
  /** Whether to fetch a large set that is nowhere on this machine; true if left out. */
  readonly mayDownload?: boolean;
  /** Told how much of a large set has come. */
  readonly onProgress?: DownloadProgress;
}

/** Names a folder by the last part of its path or address. */
function lastSegment(path: string): string {
  return path.split(/[\\/]/).filter((segment) => segment !== "" && segment !== ".").at(-1) ?? path;
}

async function isFolder(path: string): Promise<boolean> {
  if (path === "") return false; // Deno refuses it with words of its own
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/**
 * Loads a data set by name, or any folder of idx files in MNIST's layout by path or address.
 *
 * @param name `mnist`, `fashion-mnist`, `cifar10`, the path of a folder, or an `http(s)` address.
 * @param options Where the files are, and what they must be.
 * @returns The data set, decoded and, where digests are known, verified.
 * @throws {UserError} If the name is unknown, or a file is missing, cut, corrupt or not the right one.
 */
export async function loadDataset(name: string, options: LoadOptions = {}): Promise<Dataset> {
  const { directory, sha256 } = options;
  if (Object.hasOwn(named, name)) {
    if (sha256 !== undefined) {
      throw new UserError(
        `Cannot load data set "${name}": its SHA-256 digests are known: found others`,
      );
    }
    return await named[name].load(options);
  }
  if (directory !== undefined) {
    throw unknownName("data set", name, datasetNames);
  }
  if (isUrl(name)) {
    return await loadIdxFolder({ folder: name, name: lastSegment(name), sha256 });
  }
  // A path that names no folder is still a path; the loader says what is missing.
  if (/[\\/]/.test(name) || await isFolder(name)) {
    return await loadIdxFolder({ folder: name, name: lastSegment(name), sha256 });
  }
  throw unknownName("data set", name, [...datasetNames, "a folder or address of idx files"]);
}
