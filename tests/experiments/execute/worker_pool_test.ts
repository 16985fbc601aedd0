import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { processExecutor } from "../../../experiments/execute/worker_pool.ts";
import { trialId } from "../../../experiments/trial.ts";
import { COMPRESSIONS, listen, smallRecipe, trialsOf } from "./small_trials.ts";

const module = fileURLToPath(new URL("./fragile_worker.ts", import.meta.url));
const recipe = smallRecipe("bars");
const two = COMPRESSIONS.slice(0, 2);

Deno.test("processExecutor() fails the trials of a worker that dies, with its words, and goes on", async () => {
  const trials = trialsOf(recipe, [0, 1, 2, 3, 4], two);
  const execute = processExecutor({ workers: 1, networks: "networks", directory: "data", module });
  const { outcomes } = await listen(execute, trials);
  const error = (i: number) => {
    const outcome = outcomes[i];
    return outcome?.status === "failed" ? outcome.error : outcome?.status;
  };
  assert.deepEqual([error(0), error(1)], ["done", "done"]);
  const code = "Cannot measure: a worker process ended with code 3";
  assert.deepEqual([error(2), error(3)], ["done", code], "what was reported before stays");
  const words = "Cannot open a device: no WebGPU adapter was found";
  assert.deepEqual([error(4), error(5)], [words, words]);
  assert.match(`${error(6)}`, /Cannot understand a worker: .*: lavapipe says hello$/);
  assert.deepEqual([error(8), error(9)], ["done", "done"]);
});

Deno.test("processExecutor() starts no more workers than asked for, nor than there are networks", async () => {
  const trials = trialsOf(recipe, [10, 11, 12], two);
  for (const [workers, processes] of [[1, 1], [8, 3]]) {
    const { trainings } = await listen(
      processExecutor({ workers, networks: "networks", maker: "us", directory: "data", module }),
      trials,
    );
    // the worker says who it is and what it was told as its note
    assert.equal(trainings.length, 3);
    assert.equal(new Set(trainings).size, processes);
    assert.ok(trainings.every((note) => note.endsWith(" networks us data 0")), trainings.join());
  }
});

Deno.test("processExecutor() ends its workers when the signal aborts", async () => {
  const stop = new AbortController();
  const trials = trialsOf(recipe, [20], two);
  const pids: number[] = [];
  const work = processExecutor({ workers: 2, networks: "networks", module })(
    trials,
    (id, outcome) => {
      assert.equal(id, trialId(trials[0]));
      assert.equal(outcome.status, "training");
      if (outcome.status === "training") pids.push(Number.parseInt(outcome.note!));
      stop.abort(new Error("enough"));
    },
    stop.signal,
  );
  await assert.rejects(work, { message: "enough" });
  assert.equal(pids.length, 1);
  assert.throws(() => Deno.kill(pids[0], "SIGCONT"), "the process is gone");
});
