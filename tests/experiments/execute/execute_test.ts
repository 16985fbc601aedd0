import assert from "node:assert/strict";
import { deviceExecutor } from "../../../experiments/execute/execute.ts";
import { type NetworkShelf, networkShelf } from "../../../experiments/execute/network_shelf.ts";
import { processExecutor } from "../../../experiments/execute/worker_pool.ts";
import type { Metrics } from "../../../experiments/metrics.ts";
import type { Outcome } from "../../../experiments/store.ts";
import { type CompressionSpec, networkId } from "../../../experiments/trial.ts";
import { createModel, initialParameters } from "../../../models/mod.ts";
import { withBars } from "./bars_laboratory.ts";
import { COMPRESSIONS, listen, metricsOf, smallRecipe, trialsOf } from "./small_trials.ts";

function statusOf(letter: string): Outcome["status"] {
  return letter === "d" ? "done" : "failed";
}

function errorOf(outcome: Outcome | undefined): string {
  return outcome?.status === "failed" ? outcome.error : "";
}

/** Quick ones: none, affine grids, a wavelet, and what trains again. */
const QUICK = [...COMPRESSIONS.slice(0, 6), COMPRESSIONS.at(-1)!];

/** A shelf that keeps nothing, so that networks are trained every time. */
const noShelf: NetworkShelf = { load: () => Promise.resolve(undefined), save: () => {} };

Deno.test("executors agree bit for bit: seeds alone, seeds together, processes", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const trials = trialsOf(smallRecipe(bars), [0, 1]);
    const alone = await listen(
      deviceExecutor(laboratory, { shelf: noShelf, seedsTogether: 1 }),
      trials,
    );
    const together = await listen(
      deviceExecutor(laboratory, { shelf: noShelf, seedsTogether: 2 }),
      trials,
    );
    const processes = await listen(
      processExecutor({ workers: 2, networks: `${folder}/networks` }),
      trials,
    );
    const metrics = metricsOf(alone) as Metrics[];
    assert.ok(metrics[0].testAccuracy > 0.5, `the network learns: ${metrics[0].testAccuracy}`);
    const seed1 = metrics.slice(COMPRESSIONS.length);
    assert.notDeepEqual(seed1, metrics.slice(0, COMPRESSIONS.length), "seeds differ");
    assert.equal(new Set(seed1.map(({ testLoss }) => testLoss)).size, COMPRESSIONS.length);
    assert.deepEqual(metricsOf(together), metrics);
    assert.deepEqual(metricsOf(processes), metrics);
    assert.deepEqual(alone.trainings[0], "seed 0, epoch 1 of 1");
    assert.deepEqual(together.trainings[0], "seeds 0, 1, epoch 1 of 1");
  }));

Deno.test("deviceExecutor() measures a population as it measures each variant alone", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const trials = trialsOf(smallRecipe(bars), [3]);
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 1 });
    const population = await listen(execute, trials);
    for (const [i, trial] of trials.entries()) {
      const [single] = metricsOf(await listen(execute, [trial]));
      assert.deepEqual(metricsOf(population)[i], single, JSON.stringify(trial.compression));
    }
  }));

Deno.test("deviceExecutor() says what calibration found", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const gptq = COMPRESSIONS.filter((one) => "method" in one && one.method === "gptq");
    const shelf = networkShelf(`${folder}/networks`);
    const { outcomes } = await listen(
      deviceExecutor(laboratory, { shelf, seedsTogether: 1 }),
      trialsOf(smallRecipe(bars), [0], gptq.slice(0, 1)),
    );
    const [outcome] = outcomes;
    assert.equal(outcome?.status, "done");
    assert.ok(
      outcome.remarks?.includes(
        "fc1: 64 samples for 196 inputs: the Hessian is not of full rank",
      ),
    );
  }));

Deno.test("deviceExecutor() says on how few images ranges were found, where nobody asked for a number", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const { outcomes } = await listen(
      deviceExecutor(laboratory, { shelf: networkShelf(`${folder}/networks`), seedsTogether: 1 }),
      trialsOf(smallRecipe(bars), [0], COMPRESSIONS.filter(({ kind }) => kind === "affine")),
    );
    const name = bars.split("/").at(-1);
    const said = `${name}: ranges of inputs were found on 640 images instead of 2,048`;
    const dead = /^"fc2": \d+ of 16 channels never changed in 640 samples: channel \d+ is 0$/;
    const remarks = outcomes.map((outcome) => outcome?.status === "done" && outcome.remarks);
    const counts = remarks.map((some) => some && some.length);
    assert.deepEqual(counts, [undefined, undefined, 2, 2], "weights alone need no images");
    for (
      const [few, unchanging] of remarks.filter((some) => some !== undefined && some !== false)
    ) {
      assert.equal(few, said);
      assert.match(unchanging, dead);
    }
  }));

Deno.test("deviceExecutor() says which channels never changed before it trains under quantization, or smooths", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const recipe = smallRecipe(bars);
    const spec = { inputs: { kind: "learnedStep", bits: 4 } } as const;
    const aware = { kind: "quantization_aware", training: recipe.training } as const;
    const compressions: CompressionSpec[] = [
      { ...aware, spec },
      { ...aware, spec: { last: spec } },
      { ...aware, spec: {} },
      {
        kind: "post_training",
        rescaling: { kind: "smoothed", alpha: 0.5 },
        method: "nearest",
        weights: { grid: { kind: "affine", bits: 4 }, granularity: "channel" },
      },
    ];
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 1 });
    const { outcomes } = await listen(execute, trialsOf(recipe, [0], compressions));
    const said = outcomes.map((outcome) =>
      outcome?.status === "done" && outcome.remarks?.some((one) => /never changed/.test(one))
    );
    assert.deepEqual(said, [true, true, undefined, true]);
  }));

Deno.test("a bench refuses more calibration images than there are, with the data set's name", () =>
  withBars(async ({ laboratory, bars }) => {
    const bench = await laboratory.bench(trialsOf(smallRecipe(bars), [0])[0]);
    assert.equal(bench.calibrationSet(100).count, 100);
    assert.equal(bench.calibrationSet().count, 256);
    assert.throws(() => bench.calibrationSet(641), {
      name: "UserError",
      message: /^Cannot calibrate on 641 images of .+: there are 640 to learn from$/,
    });
  }));

Deno.test("deviceExecutor() trains a network once and finds it on the shelf afterward", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 2 });
    const recipe = smallRecipe(bars);
    const first = await listen(execute, trialsOf(recipe, [0], QUICK));
    assert.ok(first.trainings.length > 0);
    const second = await listen(execute, trialsOf(recipe, [0], QUICK));
    assert.deepEqual(second.trainings, []);
    assert.deepEqual(metricsOf(second), metricsOf(first));
    const both = await listen(execute, trialsOf(recipe, [0, 1], QUICK));
    assert.ok(both.trainings.length > 0);
    assert.ok(both.trainings.every((note) => note.startsWith("seed 1,")), both.trainings.join());
    assert.deepEqual(metricsOf(both).slice(0, QUICK.length), metricsOf(first));
  }));

Deno.test("deviceExecutor() tells what rounding did to a training, also from the shelf", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 2 });
    const recipe = smallRecipe(bars, 1e-3);
    const weightQuantization = {
      bits: 6,
      rounding: "nearestEven",
      scale: "fixed",
      master: "inPlace",
      every: "step",
    } as const;
    const rounded = { ...recipe, training: { ...recipe.training, weightQuantization } };
    const trials = trialsOf(rounded, [0, 1], [{ kind: "none" }]);
    const first = metricsOf(await listen(execute, trials)) as Metrics[];
    for (const { updatesLost, zeroWeights, weightNorm } of first) {
      assert.ok(updatesLost! > 0.9 && updatesLost! <= 1, `${updatesLost} of the updates are lost`);
      assert.ok(zeroWeights! > 0 && zeroWeights! < 1);
      assert.ok(weightNorm! > 0);
    }
    assert.deepEqual(metricsOf(await listen(execute, trials)), first);
    const after = trialsOf(recipe, [0], [{
      kind: "levels",
      bits: 6,
      rounding: "towardZero",
      scale: "fixed",
    }]);
    const [{ updatesLost, zeroWeights }] = metricsOf(await listen(execute, after)) as Metrics[];
    assert.equal(updatesLost, undefined);
    assert.ok(zeroWeights! > 0);
  }));

Deno.test("deviceExecutor() reports a training that explodes, with step and seed, and goes on", () =>
  withBars(async ({ laboratory, bars }) => {
    const two = COMPRESSIONS.slice(0, 2);
    const bad = trialsOf(smallRecipe(bars, 1e30), [4, 5], two);
    const good = trialsOf(smallRecipe(bars), [4, 5], two);
    const execute = deviceExecutor(laboratory, { shelf: noShelf, seedsTogether: 2 });
    const { outcomes } = await listen(execute, [...bad, ...good]);
    for (const [i, { seed }] of bad.entries()) {
      const outcome = outcomes[i];
      assert.equal(outcome?.status, "failed");
      const words = `at step \\d+, seed ${seed} .*is (NaN|-?Infinity)$`;
      assert.match(outcome.error, new RegExp(words));
    }
    assert.ok(outcomes.slice(bad.length).every((outcome) => outcome?.status === "done"));
  }));

Deno.test("deviceExecutor() measures the seeds that are trained, whatever becomes of another", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const recipe = smallRecipe(bars, 1e30);
    const shelf = networkShelf(`${folder}/networks`);
    const model = createModel(recipe.model, [1, 14, 14], 10);
    for (const seed of [0, 2]) {
      shelf.save(model, recipe, seed, { parameters: initialParameters(model, seed) });
    }
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 4 });
    const trials = trialsOf(recipe, [0, 1, 2], [{ kind: "none" }]);
    const { outcomes } = await listen(execute, trials);
    assert.deepEqual(outcomes.map((outcome) => outcome?.status), ["done", "failed", "done"]);
  }));

Deno.test("deviceExecutor() measures each of a population alone where one cannot be measured", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const grid = { kind: "affine", bits: 4 } as const;
    const nearest = { kind: "post_training", method: "nearest" } as const;
    const compressions: CompressionSpec[] = [
      { ...nearest, weights: { grid, granularity: "tensor" } },
      // known to be wrong only when the images are: 5 does not divide 196
      { ...nearest, weights: { grid, granularity: { group: 5 } } },
      { ...nearest, weights: { grid, granularity: "channel" } },
    ];
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 1 });
    const { outcomes } = await listen(execute, trialsOf(smallRecipe(bars), [0], compressions));
    assert.deepEqual(outcomes.map((outcome) => outcome?.status), ["done", "failed", "done"]);
    assert.match(errorOf(outcomes[1]), /in groups of 5/);
  }));

Deno.test("deviceExecutor() reports what it cannot measure, and goes on", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const recipe = smallRecipe(bars);
    const haar = COMPRESSIONS.find((one) => one.kind === "wavelet_threshold")!;
    const compressions = [COMPRESSIONS[0], { ...haar, wavelet: "harr" }, haar];
    const trials = trialsOf(recipe, [0, 1], compressions);
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 2 });
    const unknown = /^Cannot find wavelet "harr": .*did you mean "haar"\?$/;
    const { outcomes } = await listen(execute, trials);
    assert.deepEqual(outcomes.map((o) => o!.status), [..."dfddfd"].map(statusOf));
    assert.match(errorOf(outcomes[1]), unknown);

    const path = `${folder}/networks/${networkId(trials[0])}.safetensors`;
    await Deno.truncate(path, 100);
    const damaged = await listen(execute, trials);
    assert.deepEqual(damaged.outcomes.map((o) => o!.status), [..."fffdfd"].map(statusOf));
    assert.ok(errorOf(damaged.outcomes[0]).includes(path), errorOf(damaged.outcomes[0]));
    assert.deepEqual(damaged.trainings, [], "a damaged network is not replaced in silence");
  }));

Deno.test("deviceExecutor() says that another commit or adapter trained a network", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const trials = trialsOf(smallRecipe(bars), [0], QUICK);
    const remarksBy = async (maker: string) => {
      const shelf = networkShelf(`${folder}/networks`, maker);
      const { outcomes } = await listen(
        deviceExecutor(laboratory, { shelf, seedsTogether: 1 }),
        trials,
      );
      return outcomes.flatMap((outcome) => outcome?.status === "done" ? outcome.remarks ?? [] : []);
    };
    const said = "the network was trained earlier: commit 1 on a";
    assert.ok(!(await remarksBy("commit 1 on a")).includes(said));
    assert.equal(
      (await remarksBy("commit 2 on b")).filter((one) => one === said).length,
      trials.length,
    );
  }));

Deno.test("deviceExecutor() stops when the signal aborts: in training, and between measurements", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 1 });
    const trials = trialsOf(smallRecipe(bars), [0, 1]);
    for (const last of ["training", "done"]) {
      const stop = new AbortController();
      const heard: string[] = [];
      const work = execute(trials, (_id, { status }) => {
        heard.push(status);
        if (status === last) stop.abort(new Error("enough"));
      }, stop.signal);
      await assert.rejects(work, { message: "enough" });
      assert.equal(heard.at(-1), last);
      assert.equal(heard.filter((status) => status === "done").length, last === "done" ? 1 : 0);
    }
  }));
