import type { Execute } from "../../experiments/executor.ts";
import { type ExperimentResult, runExperiment } from "../../experiments/runner.ts";
import { openStore } from "../../experiments/store.ts";
import type { Experiment } from "../../experiments/define.ts";
import { FAKE_RUN, fakeExecute } from "./fake_executor.ts";
import { smallExperiment } from "./small_experiment.ts";

/** Runs an experiment on made-up metrics, in a store that is thrown away. */
export async function fakeResult(
  experiment: Experiment = smallExperiment,
  execute: Execute = fakeExecute,
): Promise<ExperimentResult> {
  const folder = await Deno.makeTempDir();
  try {
    using store = openStore(`${folder}/store.sqlite`);
    return await runExperiment(experiment, { store, run: store.startRun(FAKE_RUN), execute });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
