import assert from "node:assert/strict";
import { parseQuantization, parseVariant } from "../../cli/variant_spec.ts";

Deno.test("parseQuantization() reads kinds, options and flags", () => {
  assert.deepEqual(parseQuantization("affine:bits=4"), {
    weights: { grid: { kind: "affine", bits: 4 }, granularity: "tensor" },
    rounding: "nearestEven",
  });
  const all = "affine:bits=3,symmetric,narrow,scale=powerOfTwo,observer=meanSquaredError," +
    "granularity=channel,rounding=towardZero,activations";
  assert.deepEqual(parseQuantization(all), {
    weights: {
      grid: { kind: "affine", bits: 3, symmetric: true, narrow: true, scale: "powerOfTwo" },
      granularity: "channel",
      observer: { kind: "meanSquaredError" },
    },
    rounding: "towardZero",
    activationBits: 3,
  });
  assert.deepEqual(
    parseQuantization("binary:activations=2,calibration=percentile:99.9").calibration,
    { kind: "percentile", percentile: 99.9 },
  );
  assert.deepEqual(parseQuantization("ternary:group=16,activations=8"), {
    weights: { grid: { kind: "ternary" }, granularity: { group: 16 } },
    rounding: "nearestEven",
    activationBits: 8,
  });
  assert.deepEqual(
    parseQuantization("powersOfTwo:bits=3,observer=percentile:99.5").weights.observer,
    {
      kind: "percentile",
      percentile: 99.5,
    },
  );
  assert.deepEqual(parseQuantization("binary").weights.grid, { kind: "binary" });
  assert.equal(parseQuantization("ternary:rounding=towardZero").rounding, "towardZero");
});

Deno.test("parseQuantization() refuses what makes no sense on one line, with a near match", () => {
  const refused = [
    ["afine:bits=4", /^Cannot find quantization "afine": .*: did you mean "affine"\?$/],
    ["affine", /^Cannot quantize: affine needs its bits, such as affine:bits=4: affine$/],
    ["affine:bits=17", /^Cannot quantize: bits must be a whole number from 1 to 16: 17$/],
    ["affine:bits=", /^Cannot quantize: bits must be .*: nothing$/],
    ["affine:bits", /^Cannot quantize: bits must be .*: nothing$/],
    ["affine:bit=4", /^Cannot find option of affine "bit": .*: did you mean "bits"\?$/],
    ["ternary:bits=2", /^Cannot find option of ternary "bits": known are granularity, /],
    ["affine:bits=4,bits=3", /^Cannot quantize: bits must be said once: bits=4,bits=3$/],
    ["affine:bits=4,granularity=chanel", /^Cannot find granularity "chanel": .*"channel"\?$/],
    ["affine:bits=4,rounding", /^Cannot find rounding "": known are nearestEven, /],
    ["affine:bits=4,symmetric=yes", /^Cannot quantize: symmetric is said without a value: /],
    ["affine:bits=4,group=0", /^Cannot quantize: group must be a whole number from 1: 0$/],
    ["affine:bits=4,group=8,granularity=channel", /: both are given$/],
    ["affine:bits=4,observer=percentil", /^Cannot find observer .*"percentile"\?$/],
    ["affine:bits=4,observer=percentile", /such as percentile:99\.9: percentile$/],
    ["affine:bits=4,observer=entropy:3", /^Cannot quantize: observer must be one of minMax, /],
    ["affine:bits=4,calibration=minMax", /: calibration is for activations: there are none: /],
    [
      "affine:bits=1,symmetric",
      /^Cannot quantize: a symmetric grid needs 2 bits or more, .*: 1: affine:bits=1,symmetric$/,
    ],
    ["affine:bits=4,narrow", /^Cannot quantize: a narrow grid must be symmetric: it is not: /],
    ["powersOfTwo:bits=9", /: bits of powersOfTwo grids must be .* from 2 to 8: 9: powersOf/],
    ["additivePowersOfTwo:bits=1", /: bits of additivePow.* from 2 to 16: 1: /],
    ["powersOfTwo:bits=3,observer=entropy", /: entropy is for equal steps: /],
    ["lloydMax:bits=2,group=7", /^Cannot quantize: lloydMax grids: .*groups of 7 were /],
    [
      "affine:bits=4,observer=percentile:50",
      /^Cannot quantize: the percentile .* at most 100: 50: /,
    ],
    [
      "affine:bits=4,activations,calibration=percentile:101",
      /^Cannot quantize: the percentile .* at most 100: 101: /,
    ],
    [
      "binary:rounding=towardZero",
      /^Cannot quantize: rounding toward zero needs a level 0: binary grids have none: binary:/,
    ],
    ["lloydMax:bits=3,rounding=towardZero", /: lloydMax grids have none: lloydMax:bits=3,/],
    ["affine:bits=12,observer=entropy", /: entropy looks at 2048 bins, .* 11 bits: 12: affine/],
    ["binary:activations=16,calibration=entropy", /, enough for at most 11 bits: 16: binary:/],
    ["affine:bits=4,activations=0", /^Cannot quantize: activations must be .* 1 to 16: 0$/],
  ] as const;
  for (const [text, message] of refused) {
    assert.throws(() => parseQuantization(text), { name: "UserError", message });
  }
});

Deno.test("parseVariant() tells files, quantized files and quantizations of the other file", () => {
  const quantization = parseQuantization("affine:bits=4,activations");
  assert.deepEqual(parseVariant("a/m.safetensors"), {
    text: "a/m.safetensors",
    path: "a/m.safetensors",
  });
  const both = "m.safetensors@affine:bits=4,activations";
  assert.deepEqual(parseVariant(both), { text: both, path: "m.safetensors", quantization });
  const alone = "affine:bits=4,activations";
  assert.deepEqual(parseVariant(alone), { text: alone, quantization });
  assert.equal(parseVariant("./affine").path, "./affine");
  assert.equal(parseVariant("me@home/m.safetensors").path, "me@home/m.safetensors");
  assert.throws(() => parseVariant("m.safetensors@ternery"), { name: "UserError" });
});

Deno.test("parseVariant() takes a word and a colon for a quantization unless there is such a file", () => {
  const none = () => false;
  assert.throws(() => parseVariant("round:bits=4", none), {
    name: "UserError",
    message: /^Cannot find quantization "round": known are affine, powersOfTwo, /,
  });
  assert.throws(() => parseVariant("afine:bits=4", none), /: did you mean "affine"\?$/);
  assert.equal(parseVariant("round:bits=4", () => true).path, "round:bits=4");
  for (
    const path of ["c:/m.safetensors", "c:m.safetensors", "runs:1/m", "m.safetensors", "./a:b"]
  ) {
    assert.equal(parseVariant(path, none).path, path);
  }
});
