import { formatAdapterName } from "../gpu/mod.ts";
import type { Run } from "./store.ts";

/**
 * Writes a table in Markdown.
 *
 * @param header Titles of the columns.
 * @param rows Cells; a `|` in one is text.
 * @returns Lines without a last line break.
 */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * Writes who measured, when and by which command.
 *
 * @param runs Starts of the command.
 * @returns A table in Markdown.
 */
export function runsTable(runs: readonly Run[]): string {
  return markdownTable(
    ["started", "command", "commit", "adapter"],
    runs.map((run) => [
      run.started,
      `\`${run.command}\``,
      run.commit.slice(0, 12),
      formatAdapterName(run.adapter, run.software),
    ]),
  );
}
