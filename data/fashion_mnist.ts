import { UserError } from "../formats/mod.ts";
import type { Dataset } from "./dataset.ts";
import { loadIdxFolder } from "./idx_folder.ts";
import { idxSpellings } from "./idx_names.ts";

/** SHA-256 of the four files' content, which every distribution of the set shares. */
export const fashionMnistSha256: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
  "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
  "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
  "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
};

/** What Fashion-MNIST's labels stand for, in its authors' words. */
export const fashionMnistClasses: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/** Where Debian's package `dataset-fashion-mnist` puts the files. */
const DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist";

async function holdsImages(folder: string): Promise<boolean> {
  for (const name of idxSpellings("train-images")) {
    try {
      await Deno.stat(`${folder}/${name}`);
      return true;
    } catch (error) {
      const absent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!absent) throw error;
    }
  }
  return false;
}

/** The places to look in: `BITCLIFF_DATA` and what is in it by the set's name, then Debian's. */
async function findFolder(): Promise<string> {
  const data = Deno.env.get("BITCLIFF_DATA");
  const folders = [...(data ? [`${data}/fashion-mnist`, data] : []), DEBIAN_FOLDER];
  for (const folder of folders) {
    if (await holdsImages(folder)) return folder;
  }
  throw new UserError(
    `Cannot load data set "fashion-mnist": expected its files in ${folders.join(" or ")}: found ` +
      "none; on Debian and Ubuntu run `apt-get install dataset-fashion-mnist`, elsewhere name the " +
      "folder or address that holds them with --data or BITCLIFF_DATA",
  );
}

/**
 * Loads Fashion-MNIST: 60,000 training and 10,000 test images of clothing, 28 x 28, gray.
 *
 * Looks in the folder that the variable `BITCLIFF_DATA` names, in `fashion-mnist` inside it, then where
 * Debian's package `dataset-fashion-mnist` installs. Needs the permissions to read these folders and
 * the variable.
 *
 * @param directory Folder or `http(s)` address to load the four files from instead.
 * @returns The data set, every file verified.
 * @throws {UserError} If the set is nowhere, with what to install; or a file is not the right one.
 *
 * @see Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747
 */
export async function loadFashionMnist(directory?: string): Promise<Dataset> {
  return await loadIdxFolder({
    folder: directory ?? await findFolder(),
    name: "fashion-mnist",
    classes: fashionMnistClasses,
    sha256: fashionMnistSha256,
  });
}
