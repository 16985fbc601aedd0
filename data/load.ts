import { unknownName, UserError } from "../formats/mod.ts";
import type { Dataset } from "./dataset.ts";
import { loadFashionMnist } from "./fashion_mnist.ts";
import { isUrl } from "./idx_files.ts";
import { loadIdxFolder } from "./idx_folder.ts";
import { loadMnist } from "./mnist.ts";

/** The data sets that are known by name. */
const named: Readonly<Record<string, (directory?: string) => Promise<Dataset>>> = {
  "mnist": loadMnist,
  "fashion-mnist": loadFashionMnist,
};

/** Names that {@linkcode loadDataset} knows; it also takes the path or address of a folder. */
export const datasetNames: readonly string[] = Object.keys(named);

/** Where a data set's files are, and what they must be. */
export interface LoadOptions {
  /** Folder or `http(s)` address of the files of a data set that is known by name. */
  readonly directory?: string;
  /** SHA-256 by file name of the files of a folder; a set known by name brings its own. */
  readonly sha256?: Readonly<Record<string, string>>;
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
 * @param name `mnist`, `fashion-mnist`, the path of a folder, or an `http(s)` address.
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
    return await named[name](directory);
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
