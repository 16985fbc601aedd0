import type { Command } from "@commander-js/extra-typings";
import Table from "cli-table3";
import { datasetNames, loadDataset } from "../data/mod.ts";
import { checkDataset } from "./options.ts";

/** `data`: what is present, where it is from, and its digests. */
export function addData(program: Command): void {
  program.command("data")
    .description("load data sets, check them, and list their files")
    .argument("[name...]", `${datasetNames.join(", ")}, or folders or addresses of idx files`)
    .option("--data <folder>", "folder or address of a data set that is known by name")
    .action(async (names, { data }) => {
      for (const name of names) await checkDataset(name, data);
      const table = new Table({
        head: ["data set", "training", "test", "image", "file", "SHA-256"],
        style: { head: [], border: [] },
      });
      for (const name of names.length > 0 ? names : datasetNames) {
        try {
          const { train, test, sha256 } = await loadDataset(name, { directory: data });
          Object.entries(sha256).forEach(([file, digest], i) => {
            const shape = `${train.channels} x ${train.height} x ${train.width}`;
            const about = i === 0 ? [name, train.count, test.count, shape] : ["", "", "", ""];
            table.push([...about, file, digest]);
          });
        } catch (error) {
          if (names.length > 0) throw error;
          table.push([name, { colSpan: 5, content: (error as Error).message }]);
        }
      }
      console.log(table.toString());
    });
}
