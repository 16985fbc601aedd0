import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { drawChart } from "./charts/draw_chart.ts";
import { drawStepLogs } from "./charts/step_log_chart.ts";
import { writeReport } from "./report.ts";
import { chartCsv, resultsCsv } from "./results_csv.ts";
import type { ExperimentResult } from "./runner.ts";
import { readStepLog } from "./step_log.ts";
import { writeFile } from "./write_file.ts";

/**
 * Writes everything that an experiment found out to `<folder>/<experiment>/`: `results.csv`,
 * `results.json`, `report.md`, and each chart as a PNG with the CSV that it was drawn from.
 *
 * Each file appears whole or not at all; the report comes last, when all that it links to is there.
 *
 * @param result What was measured.
 * @param folder Of all experiments, such as `runs`; logs of trainings are in its `networks`.
 * @returns Paths of the files, the report first.
 */
export function writeResults(result: ExperimentResult, folder: string): string[] {
  const home = join(folder, result.experiment.name);
  mkdirSync(home, { recursive: true });
  const written: string[] = [];
  const write = (name: string, content: string | Uint8Array): void => {
    const path = join(home, name);
    writeFile(path, content);
    written.unshift(path);
  };
  write("results.csv", resultsCsv(result));
  write("results.json", resultsJson(result));
  for (const chart of result.experiment.charts) {
    const { data, png } = drawChart(result, chart);
    write(`${chart.name}.csv`, chartCsv(data));
    write(`${chart.name}.png`, png);
  }
  const logs = result.experiment.stepLogs;
  const drawn = logs &&
    drawStepLogs(result, logs, (id) => readStepLog(join(folder, "networks"), id));
  if (logs !== undefined && drawn !== undefined) {
    write(`${logs.name}.csv`, drawn.csv);
    write(`${logs.name}.png`, drawn.png);
  }
  write("report.md", writeReport(result, drawn !== undefined));
  return written;
}

/**
 * Writes a result as JSON, for other programs; numbers that are not finite (the interval of a single
 * seed) become null.
 *
 * @param result What was measured.
 * @returns The text.
 */
export function resultsJson(result: ExperimentResult): string {
  const { experiment, ...rest } = result;
  return JSON.stringify({ experiment, ...rest }, undefined, 2) + "\n";
}
