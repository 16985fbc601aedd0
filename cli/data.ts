import type { Command } from "@commander-js/extra-typings";
import { type Dataset, datasetNames, loadDataset } from "../data/mod.ts";
import { downloadProgress } from "./download_progress.ts";
import { checkDataset, userPlace } from "./options.ts";
import { plainTable } from "./plain_table.ts";

/** One row a file; what all files share stands in the first. */
function rowsOf(name: string, { train, test, sha256, sizes }: Dataset): (string | number)[][] {
  const shape = `${train.channels} x ${train.height} x ${train.width}`;
  return Object.entries(sha256).map(([file, digest], i) => {
    const about = i === 0 ? [name, train.count, test.count, shape] : ["", "", "", ""];
    return [...about, file, sizes[file], digest];
  });
}

/** `data`: what is present, where it is from, its sizes and digests. */
export function addData(program: Command): void {
  program.command("data")
    .description("load data sets, check them, and list their files; those named are fetched")
    .argument("[name...]", `${datasetNames.join(", ")}, or folders or addresses of idx files`)
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .action(async (names, { data }) => {
      const asked = names.map(userPlace);
      for (const name of asked) await checkDataset(name, data);
      const rows: (string | number)[][] = [];
      const absent: string[] = [];
      for (const name of asked.length > 0 ? asked : datasetNames) {
        try {
          const dataset = await loadDataset(name, {
            directory: data,
            mayDownload: names.length > 0,
            onProgress: downloadProgress(),
          });
          rows.push(...rowsOf(name, dataset));
        } catch (error) {
          if (names.length > 0) throw error;
          absent.push(`${name}: ${(error as Error).message}`);
        }
      }
      const head = ["data set", "training", "test", "image", "file", "bytes", "SHA-256"];
      console.log(plainTable(head, rows, [1, 2, 5]));
      for (const line of absent) console.log(line);
    });
}
