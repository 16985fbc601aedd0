import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { Writable } from "node:stream";
import { writeCsv } from "../../experiments/csv.ts";
import {
  definitions,
  findExperiment,
  usualDefinitions,
} from "../../experiments/definitions/mod.ts";
import { showInterval } from "../../experiments/format_result.ts";
import { openProgress, showDuration } from "../../experiments/progress.ts";
import { writeReport } from "../../experiments/report.ts";
import { resultsCsv } from "../../experiments/results_csv.ts";
import { meanInterval } from "../../experiments/statistics.ts";
import { cliffsTable, resultLine, resultTable } from "../../experiments/table.ts";
import { checkOutput } from "../../experiments/write_file.ts";
import { writeResults } from "../../experiments/write_results.ts";
import { UserError } from "../../formats/user_error.ts";
import { fakeExecute } from "./fake_executor.ts";
import { smallExperiment } from "./small_experiment.ts";
import { fakeResult } from "./small_result.ts";

const result = await fakeResult();

/** Reads RFC 4180 by its grammar. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    assert.ok(found, "the text follows the grammar");
    rows.at(-1)!.push(found[1]?.replaceAll('""', '"') ?? found[2]);
    if (found[3] === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

function memory(): { stream: Writable; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, callback) {
      text += chunk;
      callback();
    },
  });
  return { stream, text: () => text };
}

Deno.test("writeCsv() is read back by the grammar of RFC 4180", () => {
  const cell = fc.oneof(fc.string(), fc.constantFrom('a"b', "a,b", "a\r\nb", "", '"'));
  fc.assert(fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
    assert.deepEqual(parseCsv(writeCsv(["x,y", "z"], rows)), [["x,y", "z"], ...rows]);
  }));
});

Deno.test("writeCsv() leaves cells empty for what is no number, and refuses ragged rows", () => {
  assert.equal(writeCsv(["a", "b", "c"], [[1.5, NaN, undefined]]), "a,b,c\r\n1.5,,\r\n");
  assert.throws(() => writeCsv(["a"], [[1, 2]]), RangeError);
});

Deno.test("resultsCsv() has a row for every trial of every row", () => {
  const rows = parseCsv(resultsCsv(result));
  assert.deepEqual(rows[0].slice(0, 5), ["id", "granularity", "bits", "seed", "status"]);
  assert.equal(rows.length, 1 + 3 * 11);
  assert.deepEqual(rows[1].slice(1, 5), ["", "", "0", "done"]);
});

Deno.test("showInterval() writes mean and half width in the unit that is shown", () => {
  assert.equal(showInterval(meanInterval([0.976, 0.978, 0.977]), "testAccuracy"), "97.70 ± 0.25");
  assert.equal(showInterval(meanInterval([0.976]), "testAccuracy"), "97.60");
  assert.equal(showInterval(meanInterval([0.003]), "testAccuracy", true), "+0.30");
  assert.equal(showInterval(meanInterval([-0.00001]), "testAccuracy", true), "0.00");
  assert.equal(showInterval(undefined, "testAccuracy"), "-");
});

Deno.test("resultTable(), resultLine() and cliffsTable() say where, how much and what is wrong", async () => {
  const failing = await fakeResult(
    smallExperiment,
    (trials, report, signal) =>
      fakeExecute(trials, (id, outcome) =>
        report(
          id,
          outcome.status === "done" && outcome.metrics.testAccuracy < 0.9
            ? { ...outcome, metrics: { ...outcome.metrics, predictedClasses: 2 } }
            : outcome,
        ), signal),
  );
  const { experiment, baseline, rows, cliffs } = failing;
  const table = resultTable(experiment, [baseline, ...rows]);
  assert.match(table, /float32/);
  assert.match(table, /per channel\s+│ 4 bits\s+│ \d\d\.\d\d ± \d\.\d\d\s+│ -\d\.\d\d ± /);
  assert.match(resultLine(experiment, rows[0]), /^small: per tensor, 2 bits: .* collapsed 3\/3$/);
  assert.match(cliffsTable(experiment, cliffs), /per tensor\s+│ (none|\d+ bits).*│ 2 bits/);
});

Deno.test("writeReport() says what calibration found, each sentence once", () => {
  assert.doesNotMatch(writeReport(result), /## Remarks/);
  const remarks = [["fc1: 2 of 784 inputs were the same"], [
    "fc1: 2 of 784 inputs were the same",
    "b",
  ]];
  const trials = result.trials.map((record, i) => ({
    ...record,
    outcome: i < 2 && record.outcome.status === "done"
      ? { ...record.outcome, remarks: remarks[i] }
      : record.outcome,
  }));
  const report = writeReport({ ...result, trials });
  assert.match(
    report,
    /## Remarks\n\n.*:\n\n- fc1: 2 of 784 inputs were the same \(2\)\n- b \(1\)\n/,
  );
});

Deno.test("writeReport() has question, method, provenance, cliffs, comparisons and published figures", async () => {
  const report = writeReport(result);
  for (
    const part of [
      "# small",
      "Does it work?",
      "Numbers are made up.",
      "`deno task sweep`",
      "0123456789ab",
      "fake adapter (software)",
      "Seeds: 0, 1, 2",
      "![Accuracy over bits](accuracy.png)",
      "| within 0.5 point |",
      "| channel - tensor | 4 bits |",
      "| 8 bits | 97.00 |",
    ]
  ) assert.ok(report.includes(part), `"${part}" is missing`);
  const failing = await fakeResult(
    smallExperiment,
    (trials, report, signal) =>
      fakeExecute(trials, (id) => report(id, { status: "failed", error: "loss is NaN" }), signal),
  );
  assert.match(writeReport(failing), /Failed: trial [0-9a-f]{12}, seed 0: loss is NaN\./);
});

Deno.test("writeReport() of one seed has neither p nor intervals, and says so", async () => {
  const report = writeReport(await fakeResult({ ...smallExperiment, seeds: 1 }));
  assert.match(report, /\n\| comparison \| at \| difference \(points\) \| seeds \|\n/);
  assert.match(report, /\nOne seed: no intervals\.\n/);
  assert.doesNotMatch(report, /Holm|±/);
  assert.match(writeReport(result), /\| difference \(points\) \| p \| by Holm \| seeds \|\n/);
});

Deno.test("writeResults() writes every file whole, and again over itself", async () => {
  const folder = await Deno.makeTempDir();
  try {
    checkOutput(`${folder}/runs`);
    const files = writeResults(result, `${folder}/runs`);
    assert.deepEqual(writeResults(result, `${folder}/runs`), files);
    assert.match(files[0], /report\.md$/);
    const names = [...Deno.readDirSync(`${folder}/runs/small`)].map(({ name }) => name).sort();
    assert.deepEqual(names, [
      "accuracy.csv",
      "accuracy.png",
      "differences.csv",
      "differences.png",
      "report.md",
      "results.csv",
      "results.json",
    ]);
    const json = JSON.parse(Deno.readTextFileSync(`${folder}/runs/small/results.json`));
    assert.equal(json.experiment.name, "small");
    assert.equal(json.rows.length, 10);
    assert.equal(json.trials.length, 33);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("checkOutput() says before the work that a folder cannot be written", async () => {
  const file = await Deno.makeTempFile();
  try {
    assert.throws(() => checkOutput(`${file}/runs`), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^Cannot write results to .*: it must be a folder with room/);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("findExperiment() finds each, and suggests a near match", () => {
  assert.deepEqual(usualDefinitions.map(({ name }) => name), ["bit_width", "wavelet_threshold"]);
  for (const one of definitions) assert.equal(findExperiment(one.name), one);
  assert.equal(findExperiment("bit_width").name, "bit_width");
  assert.throws(() => findExperiment("bitwidth"), {
    name: "UserError",
    message: 'Cannot find experiment "bitwidth": known are bit_width, wavelet_threshold, ' +
      "generalisation, ptq_methods, calibration, qat, mixed_precision, octization, " +
      "octization_contrasts, octization_program_mnist, octization_program_cifar10, " +
      'octization_regression, hyperparameters: did you mean "bit_width"?',
  });
});

Deno.test("openProgress() without a terminal writes a line every few seconds at most", () => {
  const { stream, text } = memory();
  let time = 0;
  using progress = openProgress({ label: "small", isTerminal: false, stream, now: () => time });
  const update = (done: number, etaSeconds?: number) =>
    progress.update({ kind: "progress", done, total: 33, skipped: 3, etaSeconds });
  update(3);
  time = 1000;
  update(4, 60);
  time = 3500;
  update(5, 59.2);
  update(33, 0);
  assert.equal(
    text(),
    "small: 3/33 trials (3 from earlier runs)\n" +
      "small: 5/33 trials (3 from earlier runs), 1 min 00 s left\n" +
      "small: 33/33 trials (3 from earlier runs)\n",
  );
  assert.equal(showDuration(41.2), "42 s");
  assert.equal(showDuration(undefined), "?");
});

Deno.test("openProgress() on a terminal draws a bar with the time that is left", () => {
  const { stream, text } = memory();
  const terminal = Object.assign(stream, { isTTY: true, columns: 120 });
  {
    const options = { label: "small", unit: "steps", isTerminal: true, stream: terminal };
    using progress = openProgress(options);
    const event = { kind: "progress", total: 33, skipped: 0, etaSeconds: 12 } as const;
    progress.update({ ...event, done: 0 });
    progress.line("a line");
  }
  assert.match(text(), /small .*0\/33 steps, 12 s left/);
  assert.match(text(), /a line\n/);
  // deno-lint-ignore no-control-regex -- what hides cursors and stops lines from wrapping
  assert.doesNotMatch(text(), /\x1b\[\?\d+l/, "an interruption leaves the terminal as it was");
});
