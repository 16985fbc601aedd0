// Writes trials to a store for ever, one seed after another: the process that a test kills.
import { openStore } from "../../experiments/store.ts";
import { smallExperiment } from "./small_experiment.ts";
import { FAKE_RUN, fakeMetrics } from "./fake_executor.ts";

const [path, firstSeed, count] = Deno.args;
using store = openStore(path);
const run = store.startRun(FAKE_RUN);
for (let i = 0; i < Number(count); i++) {
  const seed = Number(firstSeed) + i;
  const trial = smallExperiment.baseline(seed);
  store.record(trial, { status: "done", metrics: fakeMetrics(trial), seconds: 0 }, run);
  console.log(seed);
}
