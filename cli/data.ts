import type { Command } from "@commander-js/extra-typings";
import { datasetNames, loadDataset } from "../data/mod.ts";
import { checkDataset, userPlace } from "./options.ts";
import { plainTable } from "./plain_table.ts";

/** `data`: what is present, where it is from, and its digests. */
export function addData(program: Command): void {
  program.command("data")
    .description("load data sets, check them, and list their files")
    .argument("[name...]", `${datasetNames.join(", ")}, or folders or addresses of idx files`)
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .action(async (names, { data }) => {
      const asked = names.map(userPlace);
      for (const name of asked) await checkDataset(name, data);
      const rows: (string | number)[][] = [];
      const absent: string[] = [];
      for (const name of asked.length > 0 ? asked : datasetNames) {
        try {
          const { train, test, sha256 } = await loadDataset(name, { directory: data });
          Object.entries(sha256).forEach(([file, digest], i) => {
            const shape = `${train.channels} x ${train.height} x ${train.width}`;
            const about = i === 0 ? [name, train.count, test.count, shape] : ["", "", "", ""];
            rows.push([...about, file, digest]);
          });
        } catch (error) {
          if (names.length > 0) throw error;
          absent.push(`${name}: ${(error as Error).message}`);
        }
      }
      const head = ["data set", "training", "test", "image", "file", "SHA-256"];
      console.log(plainTable(head, rows, [1, 2]));
      for (const line of absent) console.log(line);
    });
}
