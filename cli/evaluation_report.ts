import { join } from "node:path";
// not from mod.ts, which draws charts and would want permission to load a native library
import { writeCsv } from "../experiments/csv.ts";
import { meanInterval } from "../experiments/statistics.ts";
import { writeFile } from "../experiments/write_file.ts";
import type { Evaluation } from "../training/mod.ts";

/** How one network did, and where it came from. */
export interface EvaluatedFile {
  /** The network's file. */
  readonly path: string;
  /** The command that trained it, if the file says so. */
  readonly trainedBy: string | undefined;
  /** What was measured. */
  readonly result: Evaluation;
  /** Seconds that the measurement took. */
  readonly seconds: number;
}

/** What a report says of its making. */
export interface EvaluationSetting {
  /** Name of the network. */
  readonly title: string;
  /** Name of the data set. */
  readonly dataset: string;
  /** The command that measured. */
  readonly command: string;
  /** Adapter, with what it is. */
  readonly adapter: string;
  /** Commit of the code. */
  readonly commit: string;
}

/**
 * Says in words what several networks reach together.
 *
 * @param results One a network.
 * @returns Such as `mean of 3: 99.31 +- 0.05 %`: the mean and a 95 % interval of Student's t.
 */
export function describeMean(results: readonly Evaluation[]): string {
  const { n, mean, halfWidth } = meanInterval(results.map(({ accuracy }) => 100 * accuracy));
  return `mean of ${n}: ${mean.toFixed(2)} +- ${halfWidth.toFixed(2)} %`;
}

function rowOf({ path, trainedBy, result, seconds }: EvaluatedFile): string {
  const { correct, count, accuracy, loss } = result;
  const name = path.split(/[\\/]/).at(-1);
  const numbers = [
    `${(100 * accuracy).toFixed(2)} %`,
    `${correct} of ${count}`,
    loss.toFixed(4),
    seconds.toFixed(1),
  ];
  return `| ${name} | ${numbers.join(" | ")} | ${trainedBy ? `\`${trainedBy}\`` : "elsewhere"} |`;
}

/**
 * Writes how networks do on a test set: `report.md` for people, `results.csv` for programs.
 *
 * @param folder Where they go; it exists.
 * @param setting What was measured on what.
 * @param files One a network.
 */
export function writeEvaluation(
  folder: string,
  { title, dataset, command, adapter, commit }: EvaluationSetting,
  files: readonly EvaluatedFile[],
): void {
  const together = files.length > 1 ? [`${describeMean(files.map((f) => f.result))}.`, ""] : [];
  const report = [
    `# ${title} on ${dataset}`,
    "",
    ...together,
    "| network | test accuracy | right | loss | seconds | trained by |",
    "| --- | ---: | ---: | ---: | ---: | --- |",
    ...files.map(rowOf),
    "",
    `Measured by \`${command}\` on ${adapter}, commit ${commit}.`,
    "",
  ];
  const rows = files.map(({ path, trainedBy, result, seconds }) => {
    const { count, correct, accuracy, loss } = result;
    return [path, title, dataset, count, correct, accuracy, loss, seconds, trainedBy];
  });
  const header = ["network", "model", "dataset", "images", "correct", "accuracy", "loss"];
  writeFile(join(folder, "report.md"), report.join("\n"));
  writeFile(join(folder, "results.csv"), writeCsv([...header, "seconds", "trainedBy"], rows));
}
