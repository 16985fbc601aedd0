import assert from "node:assert/strict";
import { read, run, tensor } from "../../gpu/mod.ts";
import { makeInputs } from "../../kernels/check.ts";
import { linearBytesKernels, linearBytesParams } from "../../kernels/linear_bytes/linear_bytes.ts";
import { randomSource } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const { forward } = linearBytesKernels;

/** Sums of a layer over images whose words stay where `isKept` says so, and are 0 elsewhere. */
async function outputsOver(isKept: (image: number, word: number) => boolean, COLUMNS: number) {
  const device = await testDevice();
  using _scope = device.scope();
  const shape = { networks: 2, batch: 37, sharedRows: false, outputs: 12, inputs: 48, count: 50 };
  const params = linearBytesParams({ ...shape, scale: 1 / 255 });
  const constants = { ...forward.family.constants, COLUMNS };
  const inputs = makeInputs(forward, params, constants, 3);
  const words = shape.inputs / 4;
  inputs.pixels = inputs.pixels.map((word: number, i: number) =>
    isKept(Math.floor(i / words), i % words) ? word : 0
  );
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, data]) => [name, tensor(device, data, [data.length])]),
  );
  const { y } = run(forward, tensors, params, { constants });
  const wanted = forward.family.reference(
    Object.fromEntries(
      Object.entries(inputs).map(([name, data]) => [name, Float64Array.from(data)]),
    ),
    params,
    constants,
    "forward",
  );
  assert.ok(wanted.y);
  return { found: await read(y), wanted: wanted.y, bias: inputs.bias };
}

Deno.test("linear_bytes.forward passes over what is blank, and over nothing else", async () => {
  const random = randomSource(5);
  const margins = (_image: number, word: number) => word % 4 !== 0 && word > 3;
  const scattered = Array.from({ length: 50 * 12 }, () => random() < 0.2);
  const kinds = [
    margins,
    (image: number, word: number) => scattered[image * 12 + word],
    (image: number, word: number) => image === 7 && word === 11,
    (_image: number, word: number) => word === 0,
  ];
  for (const isKept of kinds) {
    for (const COLUMNS of [8, 16]) {
      const { found, wanted } = await outputsOver(isKept, COLUMNS);
      assert.equal(found.length, wanted.length);
      assert.ok(found.every((value, i) => Math.abs(value - wanted[i]) <= 1e-5));
    }
  }
});

Deno.test("linear_bytes.forward of blank images is its bias", async () => {
  const { found, bias } = await outputsOver(() => false, 16);
  assert.ok(found.every((value, i) => value === bias[Math.floor(i / (37 * 12)) * 12 + i % 12]));
});

Deno.test("linear_bytes.forward gives an image with margins the same bits alone and among others", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const shape = { networks: 1, sharedRows: false, outputs: 12, inputs: 48, count: 16 };
  const constants = { ...forward.family.constants };
  const params = linearBytesParams({ ...shape, batch: 16, scale: 1 / 255 });
  const made = makeInputs(forward, params, constants, 4);
  // alone its blank words are passed over, among others they are not
  made.pixels = made.pixels.map((word: number, i: number) => i < 12 && i % 3 === 0 ? 0 : word);
  const outputsOf = async (batch: number) => {
    const rows = Uint32Array.from({ length: batch }, (_, i) => i);
    const tensors = Object.fromEntries(
      Object.entries({ ...made, rows }).map((
        [name, data],
      ) => [name, tensor(device, data, [data.length])]),
    );
    const { y } = run(forward, tensors, { ...params, batch }, { constants });
    return [...await read(y)].slice(0, 12);
  };
  assert.deepEqual(await outputsOf(1), await outputsOf(16));
});

Deno.test("linear_bytes.forward counts all words of large images, wherever lanes pass over them", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const shape = {
    networks: 1,
    batch: 128,
    sharedRows: false,
    outputs: 8,
    count: 128,
    scale: 1 / 255,
  };
  const params = linearBytesParams({ ...shape, inputs: 2 ** 14 });
  const words = params.inputs / 4;
  // the last word, and as many first ones as a tile has tiles before it: each leaves blank words elsewhere
  const isLit = (image: number, word: number) =>
    word === words - 1 || word < Math.floor(image / 16);
  const pixels = Uint32Array.from(
    { length: shape.count * words },
    (_, i) => isLit(Math.floor(i / words), i % words) ? 255 : 0,
  );
  const rows = Uint32Array.from({ length: shape.batch }, (_, i) => i);
  const { y } = run(
    forward,
    {
      pixels: tensor(device, pixels, [pixels.length]),
      rows: tensor(device, rows, [rows.length]),
      weight: tensor(device, new Float32Array(8 * params.inputs).fill(1), [8 * params.inputs]),
      bias: tensor(device, new Float32Array(8), [8]),
    },
    params,
    { constants: { COLUMNS: 8 } },
  );
  const found = await read(y);
  const wanted = (i: number) => 1 + Math.floor(i / shape.outputs / 16);
  assert.equal(found.length, shape.batch * shape.outputs);
  assert.ok(found.every((value, i) => Math.abs(value - wanted(i)) < 1e-5));
  assert.throws(
    () => linearBytesParams({ ...shape, inputs: 2 ** 14 + 16 }),
    new RangeError(
      "Cannot compute a layer from bytes: inputs must be a multiple of 16, 16384 at most, and outputs " +
        "of 4: 16400 and 8",
    ),
  );
});
