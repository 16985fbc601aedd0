import assert from "node:assert/strict";
import {
  dequantizeWeight,
  type LevelQuantization,
  quantizeToLevels,
} from "../../compression/mod.ts";
import { uploadImages } from "../../data/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { type HostParameters, initialParameters, readParameters } from "../../models/mod.ts";
import {
  adam,
  captureNetwork,
  createTrainer,
  decodeNetwork,
  encodeNetwork,
  planMistakes,
  resumeOptions,
  type TrainerOptions,
  type TrainingPlan,
  type WeightQuantization,
} from "../../training/mod.ts";
import { WEIGHT_STREAM } from "../../training/weight_quantization.ts";
import { testDevice } from "../support/device.ts";
import { smallModel, smallSet } from "./small_set.ts";

const SET = smallSet(100);
const STEPS_PER_EPOCH = 6;
const WEIGHTS = ["fc1.weight", "fc2.weight"];
const PLAN: TrainingPlan = {
  optimizer: adam({ learningRate: 0.01 }),
  schedule: { kind: "constant" },
  epochs: 4,
  batchSize: 16,
};
const GRIDS: LevelQuantization[] = (["fixed", "absmax"] as const).flatMap((scale) =>
  (["nearestEven", "towardZero", "deadZone", "stochastic"] as const)
    .map((rounding) => ({ bits: 4, rounding, scale }))
);

function start(
  device: Device,
  weightQuantization: WeightQuantization | undefined,
  options: TrainerOptions = { seeds: [5] },
) {
  const plan = { ...PLAN, ...weightQuantization && { weightQuantization } };
  return createTrainer(device, smallModel, uploadImages(device, SET), plan, options);
}

/** Weights after some steps: those that training goes on from, and those that are evaluated. */
async function train(
  device: Device,
  quantization: WeightQuantization | undefined,
  steps: number,
  options?: TrainerOptions,
) {
  using _scope = device.scope();
  using trainer = start(device, quantization, options);
  const losses = await trainer.train(steps);
  const masters = await readParameters(trainer.parameters);
  const networks = await readParameters(trainer.evaluated);
  return { losses, masters, networks, statistics: trainer.statistics };
}

/** What a network's weights are on the grid, by the host. */
function onGrid(
  host: HostParameters,
  quantization: LevelQuantization,
  step: number,
): HostParameters {
  return Object.fromEntries(
    Object.entries(host).map(([name, values]) => {
      const at = WEIGHTS.indexOf(name);
      if (at < 0) return [name, values];
      const randomness = { seed: 5, stream: WEIGHT_STREAM + at, step };
      const codes = quantizeToLevels(values, [values.length], quantization, randomness);
      return [name, dequantizeWeight(codes)];
    }),
  );
}

/** Equal values; 0 and -0 are. */
function assertSame(found: HostParameters, wanted: HostParameters): void {
  for (const [name, values] of Object.entries(wanted)) {
    const plain = (all: Float32Array) => Array.from(all, (value) => value + 0);
    assert.deepEqual(plain(found[name]), plain(values), name);
  }
}

for (const grid of GRIDS) {
  const label = `${grid.rounding}, ${grid.scale}`;
  Deno.test(`weightQuantization in place puts an optimizer's step on the grid: ${label}`, async () => {
    const device = await testDevice();
    const quantization = { ...grid, master: "inPlace", every: "step" } as const;
    const float32 = await train(device, undefined, 1);
    const { masters, networks } = await train(device, quantization, 1);
    assertSame(masters[0], onGrid(float32.networks[0], grid, 1));
    assert.deepEqual(networks, masters);
  });

  Deno.test(`weightQuantization beside shadow weights evaluates what they round to: ${label}`, async () => {
    const device = await testDevice();
    const { masters, networks } = await train(device, { ...grid, master: "shadow" }, 9);
    assertSame(networks[0], onGrid(masters[0], grid, 9));
    assert.notDeepEqual(networks, masters);
  });
}

Deno.test("weightQuantization in place every epoch leaves the steps between alone", async () => {
  const device = await testDevice();
  const grid = GRIDS[0];
  const quantization = { ...grid, master: "inPlace", every: "epoch" } as const;
  const before = STEPS_PER_EPOCH - 1;
  assert.deepEqual(
    (await train(device, quantization, before)).masters,
    (await train(device, undefined, before)).masters,
  );
  const float32 = await train(device, undefined, STEPS_PER_EPOCH);
  const rounded = await train(device, quantization, STEPS_PER_EPOCH);
  assertSame(rounded.masters[0], onGrid(float32.masters[0], grid, STEPS_PER_EPOCH));
});

Deno.test("Trainer.statistics counts updates that rounding undoes, zeros and the norm", async () => {
  const device = await testDevice();
  const grid = GRIDS[1];
  const quantization = { ...grid, master: "inPlace", every: "step" } as const;
  const { networks: [float32] } = await train(device, undefined, 1);
  const { networks: [rounded], statistics } = await train(device, quantization, 1);
  const initial = initialParameters(smallModel, 5);
  const without = onGrid(initial, grid, 1);
  const all = WEIGHTS.flatMap((name) =>
    Array.from(rounded[name], (value, i) => ({
      value,
      isMoved: float32[name][i] !== initial[name][i],
      isLost: value === without[name][i],
    }))
  );
  const share = (count: number, of: number) => Math.fround(count / of);
  const moved = all.filter(({ isMoved }) => isMoved);
  assert.ok(moved.length > 0);
  const [[found]] = statistics;
  const lost = moved.filter(({ isLost }) => isLost).length;
  assert.ok(lost > 0 && lost < moved.length);
  assert.equal(found.updatesLost, share(lost, moved.length));
  assert.equal(found.zeros, share(all.filter(({ value }) => value === 0).length, all.length));
  const norm = Math.sqrt(all.reduce((sum, { value }) => sum + value * value, 0));
  assert.ok(Math.abs(found.norm - norm) < 1e-5 * norm, `${found.norm} is not ${norm}`);
});

Deno.test("weightQuantization in place freezes weights whose updates are below half a step", async () => {
  const device = await testDevice();
  const plan = { ...PLAN, optimizer: adam({ learningRate: 1e-3 }) };
  const weightsAfter = async (rounding: "nearestEven" | "towardZero", steps: number) => {
    using _scope = device.scope();
    const weightQuantization = {
      bits: 8,
      rounding,
      scale: "fixed",
      master: "inPlace",
      every: "step",
    } as const;
    const images = uploadImages(device, SET);
    using trainer = createTrainer(device, smallModel, images, { ...plan, weightQuantization }, {
      seeds: [5],
    });
    await trainer.train(steps);
    const [host] = await readParameters(trainer.parameters);
    // -0 is 0
    const weights = WEIGHTS.map((name) => host[name].map((value) => value + 0));
    return { weights, statistics: trainer.statistics };
  };
  const frozen = await weightsAfter("nearestEven", 20);
  assert.deepEqual(frozen.weights, (await weightsAfter("nearestEven", 1)).weights);
  assert.deepEqual(
    frozen.statistics.slice(1).map(([{ updatesLost }]) => updatesLost),
    Array(19).fill(1),
  );
  const eroded = await weightsAfter("towardZero", 20);
  const norms = eroded.statistics.map(([{ norm }]) => norm);
  assert.ok(norms.every((norm, i) => i === 0 || norm <= norms[i - 1]), `${norms} do not fall`);
});

for (
  const quantization of [
    { ...GRIDS[7], master: "shadow" },
    { ...GRIDS[7], master: "inPlace", every: "epoch" },
  ] as const
) {
  Deno.test(`Trainer of three seeds rounds as one at a time does: ${quantization.master}`, async () => {
    const device = await testDevice();
    const seeds = [1, 2, 3];
    const together = await train(device, quantization, 14, { seeds });
    for (const [p, seed] of seeds.entries()) {
      const alone = await train(device, quantization, 14, { seeds: [seed] });
      assert.deepEqual(together.networks[p], alone.networks[0]);
      const statistics = together.statistics.map((row) => [row[p]]);
      assert.deepEqual(
        statistics.map(([row]) => row.updatesLost),
        alone.statistics.map(([row]) => row.updatesLost),
      );
    }
  });

  Deno.test(`Trainer resumes rounding from a file bit for bit: ${quantization.master}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    using whole = start(device, quantization);
    const losses = await whole.train(Infinity);
    using before = start(device, quantization);
    await before.train(9);
    const file = encodeNetwork(smallModel, await captureNetwork(before));
    const options = resumeOptions(decodeNetwork(smallModel, file, "resumed.safetensors"));
    using after = start(device, quantization, options);
    assert.deepEqual(await after.train(Infinity), losses.slice(9));
    assert.deepEqual(await readParameters(after.evaluated), await readParameters(whole.evaluated));
  });
}

Deno.test("planMistakes() refuses impossible bits, and averages of quantized weights", () => {
  // checked by `deno task check`, as tests are run without types
  const weightQuantization: WeightQuantization = {
    ...GRIDS[0],
    // @ts-expect-error 17 is not a width
    bits: 17,
    master: "shadow",
  };
  assert.deepEqual(planMistakes({ ...PLAN, weightQuantization, emaDecay: 0.9 }), [
    "the bits of weights must be a whole number from 1 to 16: 17",
    "quantized weights must not be averaged: the average would not be on their grid",
  ]);
});
