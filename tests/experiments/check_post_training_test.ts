import assert from "node:assert/strict";
import { reconstructionPlan } from "../../compression/mod.ts";
import { checkTrial } from "../../experiments/check_trial.ts";
import type { CompressionSpec, Trial } from "../../experiments/trial.ts";
import { smallExperiment } from "./small_experiment.ts";

const small = smallExperiment.trial({ granularity: "tensor", bits: 4 }, 0);
/** FC_NN on a data set that is known by name. */
const trial: Trial = { ...small, model: { kind: "fc_nn", hidden: [64, 32] } };

const weights = { grid: { kind: "affine", bits: 2 }, granularity: "channel" } as const;
const nearest = { kind: "post_training", method: "nearest", weights } as const;
const hqq = { kind: "post_training", method: "hqq", bits: 4, granularity: "channel" } as const;
const plan = { ...reconstructionPlan(), batchSize: 32 };
const reconstruction = { ...nearest, method: "reconstruction", plan, images: 64 } as const;
const mixed = {
  kind: "post_training",
  method: "mixed_precision",
  averageBits: 2.5,
  sensitivity: "loss",
  search: "exact",
  images: 64,
} as const;

/** A trial as a file may hold it, where no types have been checked. */
function read(compression: unknown): Trial {
  return JSON.parse(JSON.stringify({ ...trial, compression }));
}

function on(grid: unknown, others: object = {}): unknown {
  return { ...nearest, weights: { ...weights, grid, ...others } };
}

Deno.test("checkTrial() refuses quantizations that do not exist, in one line with the reason", () => {
  const affine = (bits: number) => ({ kind: "affine", bits });
  const refused: readonly [unknown, RegExp][] = [
    [on({ ...affine(1), symmetric: true }), /symmetric grid needs 2 bits or more, .* be 0\.5: 1$/],
    [on({ ...affine(4), narrow: true }), /a narrow grid must be symmetric: it is not$/],
    [on(affine(99)), /bits of affine grids must be a whole number from 1 to 16: 99$/],
    [on({ kind: "powersOfTwo", bits: 9 }), /bits of powersOfTwo grids must .* 2 to 8: 9$/],
    [on({ kind: "additivePowersOfTwo", bits: 1 }), /must be a whole number from 2 to 16: 1$/],
    [on({ kind: "lloydMax", bits: 0 }), /bits of lloydMax grids must .* 1 to 16: 0$/],
    [on({ kind: "lloydMax", bits: 2 }, { granularity: { group: 4 } }), /table of levels is for a/],
    [on({ kind: "ternary" }, { observer: { kind: "minMax" } }), /fit their levels themselves/],
    [on(affine(4), { observer: { kind: "movingAverage", momentum: 0.1 } }), /is a single batch/],
    [on(affine(4), { observer: { kind: "percentile", percentile: 30 } }), /percentile .*: 30$/],
    [on(affine(12), { observer: { kind: "entropy" } }), /enough for at most 11 bits: 12$/],
    [
      { ...nearest, activations: { grid: affine(16), observer: { kind: "entropy" } } },
      /activations: entropy looks at 2048 bins, enough for at most 11 bits: 16$/,
    ],
    [on(affine(4), { granularity: { group: 0.5 } }), /a group .* whole number from 1: 0\.5$/],
    [
      on(affine(4), { granularity: { group: 5 } }),
      /group of 5 .* every row: one of fc1\.weight has 784, one of fc2\.weight has 64, one of fc3/,
    ],
    [
      { kind: "affine", bits: 4, granularity: { group: 5 }, activations: false },
      /group of 5 weigh/,
    ],
    [{ ...nearest, weights: undefined }, /grids of weights must be given: there are none$/],
    [{ ...hqq, bits: 12 }, /bits of HQQ must be a whole number from 1 to 8: 12$/],
    [{ ...hqq, granularity: { group: 64 } }, /group of 64 .*: one of fc1\.weight .*, one of fc3/],
    [{ ...mixed, averageBits: 0.3 }, /two whole ones of 1, 2, 3, 4, 5, 6, 8: 0\.3$/],
    [{ ...mixed, averageBits: 6.5 }, /two whole ones of 1, 2, 3, 4, 5, 6, 8: 6\.5$/],
    [{ ...mixed, images: undefined }, /calibration images must be a whole .* from 1: undefined$/],
    [{ ...nearest, method: "obq" }, /calibration images must be a whole .* from 1: undefined$/],
    [{ ...nearest, method: "gptq" }, /calibration images must be a whole .* from 1: undefined$/],
    [
      { ...nearest, method: "ada_round", plan: { ...plan, scaleRate: 1 }, images: 64 },
      /the scale rate must be from 0 to less than 1: 1$/,
    ],
    [
      { ...nearest, method: "second_order", sweeps: -1, images: 64 },
      /sweeps of coordinate descent must be a whole number from 0: -1$/,
    ],
    [{ ...reconstruction, plan: { ...plan, steps: -1 } }, /steps must be a whole .* least 1: -1$/],
    [
      { ...reconstruction, weights: { ...weights, grid: { kind: "powersOfTwo", bits: 4 } } },
      /the scale rate must be 0, as a power of two cannot learn: 0\.001$/,
    ],
    [
      {
        ...reconstruction,
        activations: { grid: { kind: "affine", bits: 4, scale: "powerOfTwo" } },
      },
      /the scale rate must be 0, as a power of two cannot learn: 0\.001$/,
    ],
    [{ ...reconstruction, images: 16 }, /from 1 to its calibration images: 32$/],
    [{ ...nearest, activations: { range: "dynamic", bits: 40 } }, /dynamic .* 1 to 16: 40$/],
    [{ ...nearest, activations: { grid: affine(40) } }, /^.*: activations: bits of affine .*: 40$/],
    [
      {
        ...nearest,
        activations: { grid: affine(4), observer: { kind: "movingAverage", momentum: 0 } },
      },
      /activations: the momentum of ranges must be more than 0 and at most 1: 0$/,
    ],
  ];
  for (const [compression, pattern] of refused) {
    assert.throws(() => checkTrial(read(compression)), (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, "UserError", JSON.stringify(compression));
      assert.match(error.message, /^Cannot run a trial: [^\n]*$/);
      assert.match(error.message, pattern);
      return true;
    });
  }
});

Deno.test("impossible quantizations do not type-check, and are refused all the same", () => {
  // the types are checked by `deno task check`, as tests are run without
  const wide: CompressionSpec = {
    kind: "post_training",
    method: "hqq",
    // @ts-expect-error 12 is not a width of HQQ
    bits: 12,
    granularity: "channel",
  };
  const symmetric: CompressionSpec = {
    kind: "post_training",
    method: "nearest",
    // @ts-expect-error the zero point would be 0.5
    weights: { grid: { kind: "affine", bits: 1, symmetric: true }, granularity: "channel" },
  };
  // @ts-expect-error there is nothing to calibrate on
  const blind: CompressionSpec = { kind: "post_training", method: "gptq", weights };
  const dynamic = { range: "dynamic", bits: 4 } as const;
  // @ts-expect-error a dynamic range has no step to learn
  const unlearnable: CompressionSpec = { ...reconstruction, activations: dynamic };
  for (const compression of [wide, symmetric, blind, unlearnable]) {
    assert.throws(() => checkTrial({ ...trial, compression }), { name: "UserError" });
  }
});

Deno.test("checkTrial() lists all that is wrong with a quantization at once", () => {
  const compression = { ...hqq, bits: 12, activations: { range: "dynamic", bits: 40 } };
  assert.throws(() => checkTrial(read(compression)), {
    message: "Cannot run a trial: bits of HQQ must be a whole number from 1 to 8: 12; " +
      "bits of dynamic activations must be a whole number from 1 to 16: 40",
  });
});

Deno.test("checkTrial() lets possible quantizations pass, and groups of what is not known yet", () => {
  const group16 = { ...weights, granularity: { group: 16 } } as const;
  const group5 = { ...weights, granularity: { group: 5 } } as const;
  const possible: CompressionSpec[] = [
    nearest,
    { ...nearest, weights: group16 },
    { ...nearest, weights: { grid: { kind: "ternary" }, granularity: "tensor" } },
    hqq,
    reconstruction,
    mixed,
    { ...mixed, averageBits: 8 },
    { ...nearest, activations: { grid: { kind: "affine", bits: 1 } } },
  ];
  for (const compression of possible) checkTrial({ ...trial, compression });
  const elsewhere = { ...trial.data, dataset: "/a/folder/of/images" };
  checkTrial({ ...trial, data: elsewhere, compression: { ...nearest, weights: group5 } });
});
