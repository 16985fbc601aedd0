import assert from "node:assert/strict";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { drawSearch } from "../../experiments/charts/draw_search.ts";
import { checkTrial } from "../../experiments/check_trial.ts";
import { hyperparameters } from "../../experiments/definitions/hyperparameters.ts";
import type { Execute } from "../../experiments/executor.ts";
import { InterruptedError } from "../../experiments/runner.ts";
import { searchCsv, writeSearch, writeSearchReport } from "../../experiments/search_report.ts";
import { listConfigurations, planRungs } from "../../experiments/search_space.ts";
import { openStore, type Store } from "../../experiments/store.ts";
import { runSearch } from "../../experiments/successive_halving.ts";
import { type Trial, trialId } from "../../experiments/trial.ts";
import { MODELS } from "../../models/mod.ts";
import { FAKE_RUN } from "./fake_executor.ts";

const search = hyperparameters();
const grid = hyperparameters({ candidates: "grid" });

/** Best at a learning rate of 3e-3, better after more epochs; the largest rates explode. */
function accuracyOf({ training }: Trial): number {
  const rate = training.optimizer.learningRate;
  return 0.95 + 0.005 * Math.log(training.epochs) - 0.02 * Math.abs(Math.log(rate / 3e-3));
}

function fakeTraining(asked: Trial[]): Execute {
  return async (trials, report) => {
    for (const trial of trials) {
      asked.push(trial);
      report(trialId(trial), { status: "training", completed: 0.5, note: "half" });
      report(
        trialId(trial),
        trial.training.optimizer.learningRate > 0.025
          ? { status: "failed", error: "loss is NaN" }
          : {
            status: "done",
            seconds: 1,
            metrics: { testAccuracy: accuracyOf(trial), testLoss: 0.1, predictedClasses: 10 },
          },
      );
      await Promise.resolve();
    }
  };
}

async function withStore(test: (store: Store, run: number, folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    using store = openStore(`${folder}/store.sqlite`);
    await test(store, store.startRun(FAKE_RUN), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("planRungs() halves successively until one rung has all epochs", () => {
  assert.deepEqual(planRungs(search), [
    { count: 27, epochs: 1 },
    { count: 9, epochs: 3 },
    { count: 3, epochs: 9 },
  ]);
  assert.deepEqual(planRungs({ ...search, epochs: 27 }).at(-1), { count: 1, epochs: 27 });
  assert.deepEqual(planRungs({ ...search, epochs: 2 }), [{ count: 27, epochs: 2 }]);
  assert.deepEqual(
    planRungs({
      ...search,
      candidates: { kind: "random", count: 1000 },
      reduction: 10,
      epochs: 1000,
    }).map((r) => r.count),
    [1000, 100, 10, 1],
  );
});

Deno.test("listConfigurations() at random depends on the seed only, and fills its ranges", () => {
  const drawn = listConfigurations(search);
  assert.equal(drawn.length, 27);
  assert.deepEqual(listConfigurations(hyperparameters()), drawn);
  assert.deepEqual(
    listConfigurations({ ...search, candidates: { kind: "random", count: 5 } }),
    drawn.slice(0, 5),
  );
  assert.notDeepEqual(listConfigurations({ ...search, seed: 1 }), drawn);
  const rates = drawn.map(({ learningRate }) => learningRate);
  assert.ok(rates.every((rate) => rate >= 3e-4 && rate <= 3e-2));
  // even on a logarithmic scale: about half lie below the geometric mean
  const low = rates.filter((rate) => rate < 3e-3).length;
  assert.ok(low > 6 && low < 21, `${low} of 27`);
  assert.equal(new Set(drawn.map(({ width }) => width)).size, 3);
});

Deno.test("listConfigurations() of a grid has every combination once, ranges from end to end", () => {
  const listed = listConfigurations(grid);
  const values = (name: string) => [...new Set(listed.map((one) => one[name]))];
  assert.deepEqual(values("learningRate"), [3e-4, 9.49e-4, 3e-3, 9.49e-3, 3e-2]);
  assert.deepEqual(values("weightDecay"), [1e-4, 1e-2, 1]);
  assert.deepEqual(values("batchSize"), [32, 64, 128, 256]);
  assert.deepEqual(values("width"), [0.5, 1, 2]);
  assert.equal(new Set(listed.map((one) => JSON.stringify(one))).size, 5 * 3 * 4 * 3);
  assert.deepEqual(listConfigurations({ ...grid, seed: 1 }), listed);
  assert.deepEqual(planRungs(grid), [
    { count: 180, epochs: 1 },
    { count: 60, epochs: 3 },
    { count: 20, epochs: 9 },
  ]);
});

Deno.test("runSearch() halves a grid, and its report says so", () =>
  withStore(async (store, run, folder) => {
    const asked: Trial[] = [];
    const result = await runSearch(grid, { store, run, execute: fakeTraining(asked) });
    assert.equal(asked.length, 180 + 60 + 20);
    assert.equal(result.best?.configuration.learningRate, 3e-3);
    const [report] = writeSearch(result, folder);
    assert.ok(report.startsWith(`${folder}/hyperparameters_grid/`), "apart from the random search");
    assert.match(writeSearchReport(result), /^- All combinations of a few values are tried/m);
  }));

Deno.test("hyperparameters() gives trials that can be run and are judged on images held out", () => {
  for (const model of [MODELS.fc_nn, MODELS.cnn, MODELS.lenet_5, MODELS.cnn_282k]) {
    const one = hyperparameters({ model, dataset: "cifar10" });
    const both = [one, hyperparameters({ model, dataset: "cifar10", candidates: "grid" })];
    for (const configuration of both.flatMap(listConfigurations)) {
      const trial = one.trial(configuration, 3, 0);
      checkTrial(trial);
      assert.deepEqual(trial.data, { dataset: "cifar10", train: "split" });
      if (configuration.width === 1) assert.deepEqual(trial.model, model);
      else assert.notDeepEqual(trial.model, model);
    }
  }
});

Deno.test("runSearch() takes the best third on, ranks failures last and finds the best", () =>
  withStore(async (store, run) => {
    const asked: Trial[] = [];
    const notes: (string | undefined)[] = [];
    const { trials, best, runs } = await runSearch(search, {
      store,
      run,
      execute: fakeTraining(asked),
      onEvent: (event) => event.kind === "progress" && notes.push(event.note),
    });
    assert.equal(asked.length, 27 + 9 + 3);
    assert.deepEqual(runs, [FAKE_RUN]);
    assert.ok(notes.includes("half"));
    for (const rung of [0, 1, 2]) {
      const own = trials.filter((one) => one.rung === rung);
      const kept = own.filter(({ isKept }) => isKept).map(({ trial }) => accuracyOf(trial));
      const others = own.filter(({ isKept, metrics }) => !isKept && metrics)
        .map(({ trial }) => accuracyOf(trial));
      assert.equal(kept.length, [9, 3, 1][rung]);
      assert.ok(Math.min(...kept) >= Math.max(...others));
    }
    assert.ok(trials.some(({ error }) => error === "loss is NaN"), "some explode");
    const nearest = listConfigurations(search).map(({ learningRate }) => learningRate)
      .sort((a, b) => Math.abs(Math.log(a / 3e-3)) - Math.abs(Math.log(b / 3e-3)))[0];
    assert.equal(best?.configuration.learningRate, nearest);
    assert.equal(best?.trial.training.epochs, 9);
  }));

Deno.test("runSearch() trains nothing twice, and goes on where it was stopped", () =>
  withStore(async (store, run) => {
    const asked: Trial[] = [];
    const stop = new AbortController();
    const stopping: Execute = (trials, report, signal) =>
      fakeTraining(asked)(trials, (id, outcome) => {
        report(id, outcome);
        if (asked.length === 30) stop.abort();
      }, signal);
    await assert.rejects(
      runSearch(search, { store, run, execute: stopping, signal: stop.signal }),
      (error) =>
        error instanceof InterruptedError &&
        /^Stopped search "hyperparameters" after \d+ of 39 trials: .*: run the same/.test(
          error.message,
        ),
    );
    const before = asked.length;
    const whole = await runSearch(search, { store, run, execute: fakeTraining(asked) });
    assert.ok(asked.length - before < 20, "the first rung is not trained again");
    const again: Trial[] = [];
    const second = await runSearch(search, { store, run, execute: fakeTraining(again) });
    assert.ok(again.every(({ training }) => training.optimizer.learningRate > 0.025));
    assert.deepEqual(second.trials, whole.trials);
  }));

Deno.test("runSearch() of nothing but failures has no best, and a report all the same", () =>
  withStore(async (store, run) => {
    const execute: Execute = (trials, report) => {
      for (const trial of trials) report(trialId(trial), { status: "failed", error: "no" });
      return Promise.resolve();
    };
    const result = await runSearch(search, { store, run, execute });
    assert.equal(result.best, undefined);
    assert.match(writeSearchReport(result), /## Best\n\nNone\./);
    assert.ok(drawSearch(result).length > 10_000);
  }));

Deno.test("writeSearch() writes the table, the chart with its points, and the report", () =>
  withStore(async (store, run, folder) => {
    const result = await runSearch(search, { store, run, execute: fakeTraining([]) });
    const written = writeSearch(result, folder);
    assert.deepEqual(
      written.map((path) => path.slice(`${folder}/hyperparameters/`.length)),
      ["report.md", "accuracy_over_hyperparameters.png", "results.csv"],
    );
    const rows = searchCsv(result).trimEnd().split("\r\n");
    assert.equal(rows.length, 1 + 39);
    assert.match(rows[0], /^id,rung,epochs,learningRate,weightDecay,batchSize,width,status,/);
    const report = writeSearchReport(result);
    for (const part of ["| 1 | 9 | 3 |", "trains anew", "fake adapter (software)", "loss is NaN"]) {
      assert.ok(report.includes(part), part);
    }
    const png = drawSearch(result);
    const image = await loadImage(png);
    const context = createCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let blue = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] < 12 && Math.abs(data[i + 1] - 114) < 12 && data[i + 2] > 165) blue++;
    }
    assert.ok(blue > 2000, `the first rung is drawn: ${blue}`);
    assert.deepEqual(drawSearch(result), png);
  }));
