import assert from "node:assert/strict";
import { downloadProgress } from "../../cli/download_progress.ts";

const MIB = 2 ** 20;

function written(isTerminal: boolean): string[] {
  const lines: string[] = [];
  let time = 0;
  const show = downloadProgress(isTerminal, (text) => lines.push(text), () => time);
  for (const [at, received] of [[0, 1], [50, 2], [2000, 3], [5000, 7], [5001, 10]]) {
    time = at;
    show("a.tar.gz", received * MIB, 10 * MIB);
  }
  return lines;
}

Deno.test("downloadProgress() writes a line every few seconds and the last one", () => {
  assert.deepEqual(written(false), [
    "downloading a.tar.gz: 1 of 10 MiB, 10 %\n",
    "downloading a.tar.gz: 7 of 10 MiB, 70 %\n",
    "downloading a.tar.gz: 10 of 10 MiB, 100 %\n",
  ]);
});

Deno.test("downloadProgress() writes one line over and over on a terminal", () => {
  assert.deepEqual(written(true), [
    "\rdownloading a.tar.gz: 1 of 10 MiB, 10 %",
    "\rdownloading a.tar.gz: 3 of 10 MiB, 30 %",
    "\rdownloading a.tar.gz: 7 of 10 MiB, 70 %",
    "\rdownloading a.tar.gz: 10 of 10 MiB, 100 %\n",
  ]);
});
