import assert from "node:assert/strict";
import { reconstructionPlan } from "../../../compression/mod.ts";
import { deviceExecutor } from "../../../experiments/execute/execute.ts";
import { networkShelf } from "../../../experiments/execute/network_shelf.ts";
import type { Metrics } from "../../../experiments/metrics.ts";
import type { CompressionSpec } from "../../../experiments/trial.ts";
import { withBars } from "./bars_laboratory.ts";
import { listen, metricsOf, smallRecipe, trialsOf } from "./small_trials.ts";

Deno.test("deviceExecutor() counts the bytes of weights, and mixed precision keeps to its budget", () =>
  withBars(async ({ laboratory, bars, folder }) => {
    const shelf = networkShelf(`${folder}/networks`);
    const execute = deviceExecutor(laboratory, { shelf, seedsTogether: 1 });
    const uniform = {
      kind: "post_training",
      method: "nearest",
      weights: { grid: { kind: "affine", bits: 2 }, granularity: "channel" },
    } as const;
    const hqq: CompressionSpec = {
      kind: "post_training",
      method: "hqq",
      bits: 2,
      granularity: "channel",
    };
    const { weights } = uniform;
    const images = 64;
    const plan = { ...reconstructionPlan({ steps: 8 }), batchSize: 32 };
    const mixed = {
      kind: "post_training",
      method: "mixed_precision",
      averageBits: 2,
      search: "exact",
      images,
    } as const;
    const recipe = smallRecipe(bars);
    const aware = {
      kind: "quantization_aware",
      spec: { weights: { kind: "learnedStep", bits: 2, granularity: "channel" } },
      training: recipe.training,
    } as const;
    const compressions: CompressionSpec[] = [
      { kind: "none" },
      uniform,
      { ...mixed, sensitivity: "loss" },
      { ...mixed, sensitivity: "hessian", averageBits: 4 },
      hqq,
      { kind: "post_training", method: "gptq", weights, images },
      { kind: "post_training", method: "obq", weights, images },
      { kind: "post_training", method: "reconstruction", weights, images, plan },
      {
        kind: "post_training",
        method: "second_order",
        weights: { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
        images,
        sweeps: 1,
      },
      aware,
      {
        ...aware,
        spec: { weights: { kind: "magnitude", levels: "binary", granularity: "channel" } },
      },
    ];
    const trials = trialsOf(recipe, [0], compressions);
    const measured = metricsOf(await listen(execute, trials)) as Metrics[];
    const [float, two, ofTwo, ofFour, ofHqq, ...others] = measured.map(({ bytes }) => bytes);
    const [ofGptq, ofObq, learned, codebooks, steps, signs] = others;
    assert.equal(float, undefined);
    const layer = (outputs: number, inputs: number, bits: number, ofGrid = 32 + bits) =>
      Math.ceil((outputs * inputs * bits + outputs * ofGrid) / 8);
    const classes = (await laboratory.bench(trials[0])).classes;
    assert.equal(two, layer(16, 196, 2) + layer(classes, 16, 2));
    assert.equal(ofHqq, layer(16, 196, 2, 64) + layer(classes, 16, 2, 64));
    assert.deepEqual([ofGptq, ofObq, learned], [two, two, two], "the same codes and grids");
    assert.equal(codebooks, layer(16, 196, 2, 4 * 32) + layer(classes, 16, 2, 4 * 32));
    // steps that learned have no zero point, signs one magnitude
    assert.equal(steps, layer(16, 196, 2, 32) + layer(classes, 16, 2, 32));
    assert.equal(signs, layer(16, 196, 1, 32) + layer(classes, 16, 1, 32));
    assert.ok(ofTwo! <= two && ofTwo! > layer(16, 196, 1), `${ofTwo} of ${two}`);
    assert.ok(ofFour! <= layer(16, 196, 4) + layer(classes, 16, 4) && ofFour! > two);
  }));
