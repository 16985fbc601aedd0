import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { drawSearch } from "./charts/draw_search.ts";
import { writeCsv } from "./csv.ts";
import { markdownTable, runsTable } from "./markdown_table.ts";
import { planRungs, showHyperparameter } from "./search_space.ts";
import type { SearchResult } from "./successive_halving.ts";
import { shortId } from "./trial.ts";
import { writeFile } from "./write_file.ts";

/** Best configurations that the report lists. */
const LISTED = 10;

/**
 * Writes every trial of a search as a row, accuracies as fractions.
 *
 * @param result What was found.
 * @returns CSV with the columns id, rung, epochs, one a hyper-parameter, status, accuracy and loss on
 *   the images held out, and whether it went on.
 */
export function searchCsv({ search, trials }: SearchResult): string {
  const names = Object.keys(search.space);
  return writeCsv(
    ["id", "rung", "epochs", ...names, "status", "validationAccuracy", "validationLoss", "kept"],
    trials.map(({ id, trial, rung, configuration, metrics, isKept }) => [
      shortId(id),
      rung,
      trial.training.epochs,
      ...names.map((name) => configuration[name]),
      metrics ? "done" : "failed",
      metrics?.testAccuracy,
      metrics?.testLoss,
      isKept ? "yes" : undefined,
    ]),
  );
}

/**
 * Lists the best configurations, the longest trained first.
 *
 * @param result What was found.
 * @returns Header and rows.
 */
export function searchTable(
  { search, trials }: SearchResult,
): { readonly header: string[]; readonly rows: string[][] } {
  const names = Object.keys(search.space);
  const ranked = trials.filter(({ metrics }) => metrics !== undefined)
    .toSorted((a, b) => b.rung - a.rung);
  return {
    header: ["epochs", ...names, "validation accuracy (%)", "validation loss (nats)"],
    rows: ranked.slice(0, LISTED).map(({ trial, configuration, metrics }) => [
      `${trial.training.epochs}`,
      ...names.map((name) => showHyperparameter(configuration[name])),
      (100 * metrics!.testAccuracy).toFixed(2),
      metrics!.testLoss.toFixed(4),
    ]),
  };
}

/**
 * Writes the report of a search as Markdown.
 *
 * @param result What was found.
 * @returns The text; its chart is the PNG beside it.
 */
export function writeSearchReport(result: SearchResult): string {
  const { search, runs, trials, best } = result;
  const rungs = planRungs(search).map(({ count, epochs }, i) => [`${i}`, `${count}`, `${epochs}`]);
  const { header, rows } = searchTable(result);
  const failed = trials.filter(({ metrics }) => metrics === undefined);
  return [
    `# ${search.name}`,
    search.question,
    "## Method",
    search.method.map((sentence) => `- ${sentence}`).join("\n"),
    markdownTable(["rung", "configurations", "epochs"], rungs),
    runsTable(runs),
    "## Best",
    best
      ? `\`${JSON.stringify({ model: best.trial.model, training: best.trial.training })}\``
      : "None.",
    "One seed, chosen by the figure itself: expect a little less on other images.",
    markdownTable(header, rows),
    "## Chart",
    "![Validation accuracy over each hyper-parameter](accuracy_over_hyperparameters.png)",
    "Drawn from [results.csv](results.csv).",
    "## Failed",
    failed.length === 0
      ? "None."
      : failed.map(({ id, error }) => `- Trial ${shortId(id)}: ${error}.`).join("\n"),
  ].join("\n\n") + "\n";
}

/**
 * Writes everything that a search found out to `<folder>/<search>/`: `results.csv`, `report.md` and
 * the chart. Each file appears whole or not at all, the report last.
 *
 * @param result What was found.
 * @param folder Of all experiments, such as `runs`.
 * @returns Paths of the files, the report first.
 */
export function writeSearch(result: SearchResult, folder: string): string[] {
  const home = join(folder, result.search.name);
  mkdirSync(home, { recursive: true });
  const written: string[] = [];
  const write = (name: string, content: string | Uint8Array): void => {
    writeFile(join(home, name), content);
    written.unshift(join(home, name));
  };
  write("results.csv", searchCsv(result));
  write("accuracy_over_hyperparameters.png", drawSearch(result));
  write("report.md", writeSearchReport(result));
  return written;
}
