import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { writeBars } from "../experiments/execute/bars_folder.ts";
import { shell } from "../support/bare_machine.ts";
import { bitcliff, command, refusal, succeed, until, withBars, withoutDrivers } from "./command.ts";

/** A row of the store as it stands, by id. */
type Rows = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Looks into a store that may be in use, or may not exist yet, without writing. */
function rowsIn(folder: string): Rows {
  try {
    using db = new DatabaseSync(`${folder}/bitcliff.sqlite`, { readOnly: true });
    const rows = db.prepare("SELECT * FROM trials").all();
    return new Map(rows.map((row) => [String(row.id), { ...row }]));
  } catch {
    return new Map(); // not there yet
  }
}

/** `results.csv` without the last column, the seconds. */
async function resultsIn(folder: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${folder}/bit_width_bars/results.csv`);
  return text.trimEnd().split("\n").map((line) => line.replace(/,[^,]*$/, ""));
}

/** Processes of this machine that were told of a folder. */
async function processesOf(folder: string): Promise<number[]> {
  const script = `for p in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' < "$p/cmdline" 2>&1)" in *"$FOLDER"*) echo "\${p#/proc/}" ;; esac
  done`;
  const env = { FOLDER: folder, PATH: Deno.env.get("PATH") ?? "" };
  const { stdout } = await shell(["-c", script], { env });
  return stdout.split("\n").filter((line) => line !== "").map(Number);
}

function sweepArgs(bars: string, out: string, seeds: number, epochs: number): string[] {
  const sizes = ["--seeds", `${seeds}`, "--epochs", `${epochs}`];
  return ["bit_width", "--dataset", bars, ...sizes, "--out", out];
}

Deno.test("sweep measures a folder of idx files and writes table, charts and report; again, nothing is new", () =>
  withBars(async (folder, bars) => {
    const out = `${folder}/out`;
    const first = await succeed("sweep", ...sweepArgs(bars, out, 1, 1));
    assert.match(first.stderr, /^adapter: .+\n/);
    assert.match(first.stdout, /│ per channel │ weights \+ activations │ 16 bits/);
    const names = [...Deno.readDirSync(`${out}/bit_width_bars`)].map(({ name }) => name).sort();
    assert.deepEqual(names, [
      "accuracy_over_bits.csv",
      "accuracy_over_bits.png",
      "differences_over_bits.csv",
      "differences_over_bits.png",
      "report.md",
      "results.csv",
      "results.json",
    ]);
    for (const name of names) {
      assert.ok(first.stdout.includes(`${out}/bit_width_bars/${name}\n`), name);
      assert.ok(Deno.statSync(`${out}/bit_width_bars/${name}`).size > 100, name);
    }
    const results = await resultsIn(out);
    assert.equal(results.length, 1 + 45);
    assert.match(results[0], /^id,granularity,quantized,bits,seed,status,testAccuracy,testLoss,/);
    assert.ok(results.slice(1).every((line) => line.includes(",0,done,")), results.join("\n"));

    const rows = rowsIn(out);
    const second = await succeed("sweep", ...sweepArgs(bars, out, 1, 1));
    assert.match(second.stderr, /^bit_width_bars: 45\/45 trials \(45 from earlier runs\)$/m);
    assert.deepEqual(rowsIn(out), rows);
    assert.equal(second.stdout, first.stdout);

    const json = await succeed("sweep", ...sweepArgs(bars, out, 1, 1), "--json");
    const written = await Deno.readTextFile(`${out}/bit_width_bars/results.json`);
    assert.deepEqual(JSON.parse(json.stdout), JSON.parse(written));
  }));

Deno.test("sweep hyperparameters searches by halving, and finds all of it in the store the next time", () =>
  withBars(async (folder, bars) => {
    const args = ["hyperparameters", "--dataset", bars, "--epochs", "3", "--out", `${folder}/out`];
    const first = await succeed("sweep", ...args);
    assert.match(first.stdout, /│ epochs │ learningRate │ weightDecay │ batchSize │ width │/);
    const names = [...Deno.readDirSync(`${folder}/out/hyperparameters_bars`)].map(({ name }) =>
      name
    );
    assert.deepEqual(names.sort(), [
      "accuracy_over_hyperparameters.png",
      "report.md",
      "results.csv",
    ]);
    const second = await succeed("sweep", ...args);
    assert.match(second.stderr, /^hyperparameters_bars: 36\/36 trials \(36 from earlier runs\)$/m);
    assert.equal(second.stdout, first.stdout);
  }));

Deno.test({
  name: "sweep killed in the middle keeps every trial that it had recorded, and resumes",
  ignore: Deno.build.os !== "linux", // looks for processes in /proc
  fn: () =>
    withBars(async (folder, bars) => {
      const out = `${folder}/killed`;
      const args = sweepArgs(bars, out, 3, 30);
      const child = command("sweep", args, "null").spawn();
      let seen = rowsIn(out);
      await until(() => (seen = rowsIn(out)).size >= 10);
      child.kill("SIGKILL");
      assert.equal((await child.status).signal, "SIGKILL");
      const kept = rowsIn(out);
      assert.ok(kept.size >= seen.size && kept.size < 135, `${kept.size} trials were recorded`);
      for (const [id, row] of seen) assert.deepEqual(kept.get(id), row);

      const { stderr } = await succeed("sweep", ...args);
      const earlier = `bit_width_bars: 135/135 trials (${kept.size} from earlier runs)`;
      assert.ok(stderr.includes(earlier), stderr);
      const final = rowsIn(out);
      assert.equal(final.size, 135);
      for (const [id, row] of final) {
        if (kept.has(id)) assert.deepEqual(row, kept.get(id), "measured once");
        else assert.equal(row.run, 2);
      }
      await succeed("sweep", ...sweepArgs(bars, `${folder}/whole`, 3, 30));
      assert.deepEqual(await resultsIn(out), await resultsIn(`${folder}/whole`));
      await until(async () => (await processesOf(folder)).length === 0);
    }),
});

Deno.test({
  name: "sweep killed in a training leaves no process that computes on for nobody",
  ignore: Deno.build.os !== "linux", // looks for processes in /proc
  fn: () =>
    withBars(async (folder, bars) => {
      const out = `${folder}/out`;
      // networks so wide that no machine trains one to its end while this looks on
      const args = [...sweepArgs(bars, out, 2, 10_000), "--model", "fc_nn:128-64"];
      const child = command("sweep", args).spawn();
      const stdout = child.stdout.cancel();
      let said = "";
      let hasEnded = false;
      const heard = child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
        new WritableStream({ write: (text) => void (said += text) }),
      ).then(() => hasEnded = true);
      const isTraining = (): boolean =>
        /0\/90 trials.*: seeds? \d.*, epoch \d+ of 10000/.test(said);
      try {
        // told by a worker, on a software adapter, every few seconds while it trains
        await until(() => hasEnded || isTraining());
        assert.ok(!hasEnded, said);
      } finally {
        if (!hasEnded) child.kill("SIGKILL");
        await Promise.all([child.status, stdout, heard]);
      }
      await until(async () => (await processesOf(folder)).length === 0);
      await assert.rejects(Deno.stat(`${out}/networks`), Deno.errors.NotFound);
    }),
});

Deno.test({
  name: "sweep says at Ctrl-C how to resume, ends with code 130 and leaves no process behind",
  ignore: Deno.build.os !== "linux", // looks for processes in /proc
  fn: () =>
    withBars(async (folder, bars) => {
      const out = `${folder}/out`;
      const child = command("sweep", sweepArgs(bars, out, 4, 2000)).spawn();
      const stdout = new Response(child.stdout).text();
      let said = "";
      const heard = child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
        new WritableStream({ write: (text) => void (said += text) }),
      );
      await until(() => said.includes("0/180 trials"));
      // on a software adapter the networks are trained by other processes
      const processes = said.includes("(software)") ? 2 : 1;
      await until(async () => (await processesOf(folder)).length >= processes);
      child.kill("SIGINT");
      const { code } = await child.status;
      assert.deepEqual(await processesOf(folder), []);
      await heard;
      assert.equal(code, 130, said);
      assert.equal(await stdout, "");
      const last = withoutDrivers(said).trimEnd().split("\n").at(-1);
      assert.equal(
        last,
        `Stopped experiment "bit_width_bars" after 0 of 180 trials: they are in ` +
          `${out}/bitcliff.sqlite: run the same command again to resume`,
      );
    }),
});

Deno.test("sweep refuses a data set that is smaller than a batch, once and before any trial", () =>
  withBars(async (folder) => {
    const few = `${folder}/few`;
    await Deno.mkdir(few);
    await writeBars(few, { train: 100, test: 20 });
    const out = `${folder}/out`;
    assert.equal(
      await refusal("sweep", ...sweepArgs(few, out, 1, 1)),
      'Cannot run experiment "bit_width_few" on few: it must hold the 128 images of a batch to learn ' +
        "from: it holds 100",
    );
    assert.deepEqual([...Deno.readDirSync(out)], []);
  }));

Deno.test("sweep whose trials fail says how many, and does not look like a success", () =>
  withBars(async (folder, bars) => {
    const out = `${folder}/out`;
    await succeed("sweep", ...sweepArgs(bars, out, 1, 1));
    // damaged networks and, as a failure never replaces a result, a new store
    await Deno.remove(`${out}/bitcliff.sqlite`);
    for (const { name } of Deno.readDirSync(`${out}/networks`)) {
      await Deno.truncate(`${out}/networks/${name}`, 100);
    }
    const { code, stderr } = await bitcliff("sweep", ...sweepArgs(bars, out, 1, 1));
    assert.equal(code, 1);
    assert.match(stderr, /^failed: seed 0: Cannot decode ".*\.safetensors": /m);
    assert.match(
      stderr,
      /\nCannot complete experiment "bit_width_bars": 45 of 45 trials failed: run the same .*\n$/,
    );
    assert.ok((await resultsIn(out)).slice(1).every((line) => line.includes(",0,failed,")));
  }));
