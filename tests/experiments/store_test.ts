import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../experiments/store.ts";
import { trialId } from "../../experiments/trial.ts";
import { UserError } from "../../formats/user_error.ts";
import { FAKE_RUN, fakeMetrics } from "./fake_executor.ts";
import { smallExperiment } from "./small_experiment.ts";

const trial = smallExperiment.trial({ granularity: "tensor", bits: 4 }, 0);
const metrics = fakeMetrics(trial);

async function withFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function assertRefused(path: string, pattern: RegExp): void {
  assert.throws(() => openStore(path), (error) => {
    assert.ok(error instanceof UserError, `${error}`);
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes("\n"), "one line");
    return true;
  });
}

function writer(path: string, firstSeed: number, count: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-read",
      "--allow-write",
      fileURLToPath(new URL("./store_writer.ts", import.meta.url)),
      path,
      `${firstSeed}`,
      `${count}`,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("openStore() keeps runs and trials from one opening to the next", () =>
  withFolder((folder) => {
    const path = `${folder}/a/b/store.sqlite`;
    const id = trialId(trial);
    {
      using store = openStore(path);
      const run = store.startRun(FAKE_RUN);
      store.record(trial, { status: "done", metrics, seconds: 1.5 }, run);
    }
    using store = openStore(path);
    const record = store.find(id)!;
    assert.deepEqual(record, {
      id,
      trial,
      outcome: { status: "done", metrics, seconds: 1.5 },
      run: 1,
    });
    assert.deepEqual(store.run(record.run), FAKE_RUN);
    assert.equal(store.find("absent"), undefined);
    assert.equal(store.run(99), undefined);
  }));

Deno.test("openStore() keeps remarks, and adds room for them to a store of version 1", () =>
  withFolder((folder) => {
    const path = `${folder}/store.sqlite`;
    const remarks = ["fc1: 3 samples for 4 inputs", "fc2: damped"];
    {
      using store = openStore(path);
      store.record(trial, { status: "done", metrics, seconds: 2 }, store.startRun(FAKE_RUN));
    }
    const db = new DatabaseSync(path);
    db.exec("ALTER TABLE trials DROP COLUMN remarks; PRAGMA user_version = 1");
    db.close();
    using store = openStore(path);
    assert.deepEqual(store.find(trialId(trial))?.outcome, { status: "done", metrics, seconds: 2 });
    const outcome = { status: "done", metrics, seconds: 1, remarks } as const;
    store.record(trial, outcome, 1);
    assert.deepEqual(store.find(trialId(trial))?.outcome, outcome);
  }));

Deno.test("Store.record() lets a result replace a failure, never the other way round", () =>
  withFolder((folder) => {
    using store = openStore(`${folder}/store.sqlite`);
    const run = store.startRun(FAKE_RUN);
    const status = () => store.find(trialId(trial))?.outcome.status;
    store.record(trial, { status: "failed", error: "loss is NaN at step 7" }, run);
    assert.equal(status(), "failed");
    store.record(trial, { status: "done", metrics, seconds: 1 }, run);
    store.record(trial, { status: "failed", error: "again" }, run);
    assert.equal(status(), "done");
  }));

Deno.test("openStore() refuses what is not a store, in one line, and leaves it as it is", () =>
  withFolder(async (folder) => {
    const text = `${folder}/text.sqlite`;
    await Deno.writeTextFile(
      text,
      "not a database at all, but long enough to look at\n".repeat(99),
    );
    assertRefused(text, /not a database/);

    const foreign = `${folder}/foreign.sqlite`;
    const db = new DatabaseSync(foreign);
    db.exec("CREATE TABLE trials (a)");
    db.close();
    const before = await Deno.readFile(foreign);
    assertRefused(foreign, /must be a store of Bitcliff: it is another database/);
    assert.deepEqual(await Deno.readFile(foreign), before);

    const newer = `${folder}/newer.sqlite`;
    openStore(newer)[Symbol.dispose]();
    const raised = new DatabaseSync(newer);
    raised.exec("PRAGMA user_version = 3");
    raised.close();
    assertRefused(newer, /schema must have version 2: it has version 3/);

    assertRefused(folder, /unable to open database file/);
    assertRefused(`${text}/below/store.sqlite`, /Cannot open the run store/);
  }));

Deno.test("openStore() refuses a store with damaged pages", () =>
  withFolder(async (folder) => {
    const path = `${folder}/store.sqlite`;
    {
      using store = openStore(path);
      const run = store.startRun(FAKE_RUN);
      for (let seed = 0; seed < 200; seed++) {
        const seeded = { ...trial, seed };
        store.record(seeded, { status: "done", metrics, seconds: 1 }, run);
      }
    }
    const bytes = await Deno.readFile(path);
    bytes.fill(0xa5, 8192, bytes.length - 4096);
    await Deno.writeFile(path, bytes);
    assertRefused(path, /must be sound|malformed/);
  }));

Deno.test("Store lets two processes write at once and loses nothing", () =>
  withFolder(async (folder) => {
    const path = `${folder}/store.sqlite`;
    const outputs = await Promise.all(
      [writer(path, 0, 300), writer(path, 1000, 300)].map((child) => child.output()),
    );
    for (const { code, stderr } of outputs) {
      assert.equal(code, 0, new TextDecoder().decode(stderr));
    }
    using store = openStore(path);
    for (const first of [0, 1000]) {
      for (let i = 0; i < 300; i++) {
        const id = trialId(smallExperiment.baseline(first + i));
        assert.equal(store.find(id)?.outcome.status, "done", `seed ${first + i}`);
      }
    }
  }));

Deno.test("Store has every trial that was recorded before kill -9", () =>
  withFolder(async (folder) => {
    const path = `${folder}/store.sqlite`;
    const child = writer(path, 0, 1_000_000);
    let text = "";
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    while (text.split("\n").length < 40) {
      const { value, done } = await reader.read();
      assert.ok(!done, "the writer ended before it was killed");
      text += value;
    }
    child.kill("SIGKILL");
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
    await child.stderr.cancel();
    assert.equal((await child.status).signal, "SIGKILL");

    const seeds = text.trimEnd().split("\n").map(Number);
    using store = openStore(path);
    for (const seed of seeds) {
      assert.ok(store.find(trialId(smallExperiment.baseline(seed))), `seed ${seed} was lost`);
    }
  }));
