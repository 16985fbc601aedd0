import assert from "node:assert/strict";
import type { ReconstructionQuantization } from "../../experiments/inspect/method_variant.ts";
import { METHODS } from "../../cli/method_spec.ts";
import { parseVariant } from "../../cli/variant_spec.ts";

const leastSquares = { kind: "meanSquaredError" };

Deno.test("parseVariant() reads post-training methods; what is left out is as in sweeps", () => {
  assert.deepEqual(parseVariant("m.safetensors@gptq:bits=3"), {
    text: "m.safetensors@gptq:bits=3",
    path: "m.safetensors",
    quantization: {
      method: "gptq",
      weights: {
        grid: { kind: "affine", bits: 3 },
        granularity: "channel",
        observer: leastSquares,
      },
    },
  });
  assert.deepEqual(
    parseVariant(
      "second_order:grid=powersOfTwo,bits=3,group=16,images=500,activations=4," +
        "calibration=percentile:99.9",
    ).quantization,
    {
      method: "second_order",
      weights: {
        grid: { kind: "powersOfTwo", bits: 3 },
        granularity: { group: 16 },
        observer: leastSquares,
      },
      images: 500,
      activationBits: 4,
      calibration: { kind: "percentile", percentile: 99.9 },
    },
  );
  assert.deepEqual(
    parseVariant("ada_round:bits=4,symmetric,granularity=tensor,observer=minMax").quantization,
    {
      method: "ada_round",
      weights: {
        grid: { kind: "affine", bits: 4, symmetric: true },
        granularity: "tensor",
        observer: { kind: "minMax" },
      },
    },
  );
  assert.deepEqual(parseVariant("obq:grid=ternary").quantization, {
    method: "obq",
    weights: { grid: { kind: "ternary" }, granularity: "channel" },
  });
  assert.deepEqual(parseVariant("second_order:grid=lloydMax,bits=2").quantization, {
    method: "second_order",
    weights: { grid: { kind: "lloydMax", bits: 2 }, granularity: "channel" },
  });
  assert.deepEqual(
    parseVariant("reconstruction:bits=2,steps=500,blocks=layer,images=64,activations").quantization,
    {
      method: "reconstruction",
      weights: {
        grid: { kind: "affine", bits: 2 },
        granularity: "channel",
        observer: leastSquares,
      },
      images: 64,
      steps: 500,
      blocks: "layer",
      activationBits: 2,
    },
  );
  const reconstruction = (options: string) =>
    parseVariant(`reconstruction:bits=2,${options}`).quantization as ReconstructionQuantization;
  const { blocks, weighting } = reconstruction("blocks=residual,weighting=fisher");
  assert.deepEqual([blocks, weighting], ["residual", "fisher"]);
  assert.ok(!("weighting" in reconstruction("weighting=uniform")));
  for (const method of METHODS) {
    assert.equal(parseVariant(`${method}:bits=2`).path, undefined, method);
  }
});

Deno.test("parseVariant() refuses options that a method does not take, with a near match", () => {
  const refused = [
    ["gptq", /^Cannot quantize: gptq needs its bits, such as gptq:bits=3: nothing$/],
    ["gptq:bits=17", /^Cannot quantize: bits must be a whole number from 1 to 16: 17$/],
    ["gptq:bits=3,imges=5", /^Cannot find option of gptq "imges": .*: did you mean "images"\?$/],
    ["gptq:bits=3,images=0", /^Cannot use images 0: it must be a whole number from 1$/],
    ["gptq:bits=3,images=1,images=2", /^Cannot quantize: images must be said once: /],
    ["gptq:bits=3,rounding=down", /^Cannot find option of gptq "rounding": /],
    ["gptq:bits=3,grid=lloydMx", /^Cannot find grid "lloydMx": .*: did you mean "lloydMax"\?$/],
    ["gptq:bits=3,group=4,granularity=channel", /: both are given$/],
    ["reconstruction:bits=3,steps=0", /^Cannot use steps 0: it must be a whole number from 1$/],
    [
      "reconstruction:bits=3,blocks=layr",
      /^Cannot find blocks "layr": .*: did you mean "layer"\?$/,
    ],
    [
      "reconstruction:bits=3,weighting=fishr",
      /^Cannot find weighting "fishr": .*: did you mean "fisher"\?$/,
    ],
    ["gptq:bits=3,steps=5", /^Cannot find option of gptq "steps": /],
    ["hqq:bits=9", /^Cannot quantize: hqq takes 1 to 8 bits: 9$/],
    ["hqq:bits=3,images=5", /^Cannot find option of hqq "images": /],
    ["hqq:bits=3,symmetric", /^Cannot find option of hqq "symmetric": /],
    ["m@gptqq:bits=3", /^Cannot find quantization "gptqq": .*: did you mean "gptq"\?$/],
  ] as const;
  for (const [text, message] of refused) {
    assert.throws(() => parseVariant(text), { name: "UserError", message });
  }
});
