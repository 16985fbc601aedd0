import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../formats/user_error.ts";
import { drawChart } from "./charts/draw_chart.ts";
import { writeReport } from "./report.ts";
import { chartCsv, resultsCsv } from "./results_csv.ts";
import type { ExperimentResult } from "./runner.ts";

/** Room that the results of an experiment and the store's log need, in bytes. */
const ROOM = 8 << 20;

/** Writes all of the bytes under another name, then takes the name: a reader never sees half a file. */
function writeFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const unfinished = `${path}.${Deno.pid}.unfinished`;
  try {
    const file = openSync(unfinished, "w");
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/**
 * Finds out, before any work is done, whether results can be written to a folder: it makes the folder
 * and writes 8 MiB to a file that it removes again.
 *
 * @param folder Where results will go.
 * @throws {UserError} If the folder cannot be made or written, or the disk is full.
 */
export function checkOutput(folder: string): void {
  const probe = join(folder, `probe.${Deno.pid}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFile(probe, new Uint8Array(ROOM));
    rmSync(probe);
  } catch (error) {
    if (!(error instanceof Error) || error.name === "NotCapable") throw error;
    throw new UserError(
      `Cannot write results to ${folder}: it must be a folder with room for ${ROOM >> 20} MiB: ` +
        error.message.split("\n")[0],
    );
  }
}

/**
 * Writes everything that an experiment found out to `<folder>/<experiment>/`: `results.csv`,
 * `results.json`, `report.md`, and each chart as a PNG with the CSV that it was drawn from.
 *
 * Each file appears whole or not at all; the report comes last, when all that it links to is there.
 *
 * @param result What was measured.
 * @param folder Of all experiments, such as `runs`.
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
  write("report.md", writeReport(result));
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
