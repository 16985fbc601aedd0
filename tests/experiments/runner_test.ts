import assert from "node:assert/strict";
import { WorkMeter } from "../../experiments/cost.ts";
import type { Experiment } from "../../experiments/define.ts";
import type { Execute } from "../../experiments/executor.ts";
import { planTrials } from "../../experiments/plan.ts";
import { InterruptedError, runExperiment, type RunnerEvent } from "../../experiments/runner.ts";
import { openStore, type Store } from "../../experiments/store.ts";
import { trialId } from "../../experiments/trial.ts";
import { FAKE_RUN, fakeExecute, fakeMetrics } from "./fake_executor.ts";
import { smallExperiment } from "./small_experiment.ts";

async function withStore(test: (store: Store, run: number) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using store = openStore(`${folder}/store.sqlite`);
    await test(store, store.startRun(FAKE_RUN));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Counts what the executor is asked for. */
function counting(): { execute: Execute; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    execute: (trials, report, signal) => {
      asked += trials.length;
      return fakeExecute(trials, report, signal);
    },
  };
}

const TOTAL = 3 * (1 + 2 * 5);

Deno.test("planTrials() has the baseline first and every trial once", () => {
  const plan = planTrials(smallExperiment);
  assert.equal(plan.rows.length, 11);
  assert.equal(plan.rows[0].point, undefined);
  assert.deepEqual(plan.rows[1].point, { granularity: "tensor", bits: 2 });
  assert.equal(new Set(plan.trials.map(({ id }) => id)).size, TOTAL);
  const same: Experiment = {
    ...smallExperiment,
    trial: (_, seed) => smallExperiment.baseline(seed),
  };
  assert.equal(planTrials(same).trials.length, 3);
});

Deno.test("runExperiment() measures all, tells progress and each row once, and concludes", () =>
  withStore(async (store, run) => {
    const events: RunnerEvent[] = [];
    const { execute, asked } = counting();
    const result = await runExperiment(smallExperiment, {
      store,
      run,
      execute,
      onEvent: (event) => events.push(event),
    });
    assert.equal(asked(), TOTAL);
    const progress = events.filter((event) => event.kind === "progress");
    assert.deepEqual([progress[0].done, progress[0].etaSeconds], [0, undefined]);
    assert.deepEqual([progress.at(-1)!.done, progress.at(-1)!.etaSeconds], [TOTAL, 0]);
    const told = events.filter((event) => event.kind === "row");
    assert.equal(told.length, 11);
    assert.equal(told[0].row.point, undefined);

    assert.equal(result.trials.length, TOTAL);
    assert.deepEqual(result.runs, [FAKE_RUN]);
    const tensor2 = result.rows[0];
    const measured = planTrials(smallExperiment).rows[1].trials.map((t) => fakeMetrics(t.trial));
    const mean = measured.reduce((s, m) => s + m.testAccuracy, 0) / 3;
    assert.ok(Math.abs(tensor2.summary.testAccuracy!.mean - mean) < 1e-12);
    assert.equal(result.cliffs.length, 2);
    assert.equal(result.comparisons.length, 5);
    assert.ok(result.comparisons[0].difference.mean > 0, "channel beats tensor at 2 bits");
  }));

Deno.test("runExperiment() skips what is done, and fresh measures it again", () =>
  withStore(async (store, run) => {
    const first = await runExperiment(smallExperiment, { store, run, execute: fakeExecute });
    const { execute, asked } = counting();
    const events: RunnerEvent[] = [];
    const second = await runExperiment(smallExperiment, {
      store,
      run: store.startRun(FAKE_RUN),
      execute,
      onEvent: (event) => events.push(event),
    });
    assert.equal(asked(), 0);
    assert.deepEqual(second.rows, first.rows);
    assert.deepEqual(second.cliffs, first.cliffs);
    assert.equal(events.filter((event) => event.kind === "row").length, 11);
    await runExperiment(smallExperiment, { store, run, execute, fresh: true });
    assert.equal(asked(), TOTAL);
  }));

Deno.test("runExperiment() measures only new seeds when there are more of them", () =>
  withStore(async (store, run) => {
    await runExperiment(smallExperiment, { store, run, execute: fakeExecute });
    const { execute, asked } = counting();
    await runExperiment({ ...smallExperiment, seeds: 4 }, { store, run, execute });
    assert.equal(asked(), 11);
  }));

Deno.test("runExperiment() stops cleanly when its signal aborts, says how to resume, and resumes", () =>
  withStore(async (store, run) => {
    const controller = new AbortController();
    let reports = 0;
    const stopped = runExperiment(smallExperiment, {
      store,
      run,
      signal: controller.signal,
      execute: (trials, report, signal) =>
        fakeExecute(trials, (id, outcome) => {
          report(id, outcome);
          if (++reports === 7) controller.abort();
        }, signal),
    });
    await assert.rejects(stopped, (error) => {
      assert.ok(error instanceof InterruptedError);
      assert.match(error.message, /after 7 of 33 trials: .* same command again to resume$/);
      return true;
    });
    const { execute, asked } = counting();
    const result = await runExperiment(smallExperiment, { store, run, execute });
    assert.equal(asked(), TOTAL - 7);
    assert.equal(result.trials.length, TOTAL);
  }));

Deno.test("runExperiment() does not wait for an executor that ignores the signal, nor hears it later", () =>
  withStore(async (store, run) => {
    const controller = new AbortController();
    let late = () => {};
    const stopped = runExperiment(smallExperiment, {
      store,
      run,
      signal: controller.signal,
      execute: (trials, report) => {
        const trial = trials[0];
        const metrics = fakeMetrics(trial);
        late = () => report(trialId(trial), { status: "done", metrics, seconds: 0 });
        controller.abort();
        return new Promise(() => {});
      },
    });
    await assert.rejects(stopped, InterruptedError);
    late();
    assert.equal(store.find(planTrials(smallExperiment).trials[0].id), undefined);
  }));

Deno.test("runExperiment() goes on after failures, leaves their seeds out, and tries them again", () =>
  withStore(async (store, run) => {
    const bad = (bits: number, seed: number) =>
      trialId(smallExperiment.trial({ granularity: "tensor", bits }, seed));
    const failing: Execute = (trials, report, signal) =>
      fakeExecute(trials, (id, outcome) => {
        if (id === bad(4, 1)) report(id, { status: "failed", error: "loss is NaN at step 12" });
        else if (id === bad(6, 2)) {
          const metrics = { testAccuracy: NaN, testLoss: 1, predictedClasses: 10 };
          report(id, { status: "done", metrics, seconds: 0 });
        } else report(id, outcome);
      }, signal);
    const errors: string[] = [];
    const result = await runExperiment(smallExperiment, {
      store,
      run,
      execute: failing,
      onEvent: (event) => event.kind === "failed" && errors.push(event.error),
    });
    assert.deepEqual(errors, ["loss is NaN at step 12", "testAccuracy is not finite"]);
    assert.deepEqual(result.rows.map(({ failed }) => failed), [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(result.rows[1].summary.testAccuracy!.n, 2);
    assert.equal(result.comparisons[1].difference.n, 2);
    assert.deepEqual(result.cliffs.map(({ seeds }) => seeds), [1, 3]);

    const { execute, asked } = counting();
    const again = await runExperiment(smallExperiment, { store, run, execute });
    assert.equal(asked(), 2);
    assert.ok(again.rows.every(({ failed }) => failed === 0));
  }));

Deno.test("runExperiment() does not pass older figures off for what failed when measured again", () =>
  withStore(async (store, run) => {
    await runExperiment(smallExperiment, { store, run, execute: fakeExecute });
    const result = await runExperiment(smallExperiment, {
      store,
      run,
      fresh: true,
      execute(trials, report) {
        for (const trial of trials) report(trialId(trial), { status: "failed", error: "no" });
        return Promise.resolve();
      },
    });
    assert.ok(result.trials.every(({ outcome }) => outcome.status === "failed"));
    assert.ok(result.rows.every(({ failed }) => failed === smallExperiment.seeds));
    const [{ id }] = result.trials;
    assert.equal(store.find(id)?.outcome.status, "done", "nothing is lost");
  }));

Deno.test("runExperiment() keeps what was measured when the executor breaks, and passes its error on", () =>
  withStore(async (store, run) => {
    const breaking: Execute = async (trials, report, signal) => {
      await fakeExecute(trials.slice(0, 4), report, signal);
      throw new Error("device lost");
    };
    await assert.rejects(runExperiment(smallExperiment, { store, run, execute: breaking }), {
      message: "device lost",
    });
    const silent: Execute = (trials, report, signal) =>
      fakeExecute(trials.slice(0, 4), report, signal);
    await assert.rejects(
      runExperiment(smallExperiment, { store, run, execute: silent }),
      /29 trials must be reported: 25 were not/,
    );
  }));

Deno.test("WorkMeter counts training as most of the work, once for trials that share it", () => {
  const { trials } = planTrials(smallExperiment);
  const meter = new WorkMeter(trials);
  assert.equal(meter.completed, 0);
  const seed0 = trials.find(({ trial }) => trial.seed === 0)!;
  meter.trained(seed0.id, 0.5);
  assert.ok(meter.completed > 0.15 && meter.completed < 1 / 6, `${meter.completed}`);
  for (const { id } of trials) meter.ended(id);
  assert.equal(meter.completed, 1);
  assert.equal(new WorkMeter([]).completed, 1);
});
