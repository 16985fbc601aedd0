import assert from "node:assert/strict";
import { conv2d, linear } from "../../../../autograd/mod.ts";
import {
  equalizeLayers,
  inputMaxima,
  rescaleChannels,
  type ScalableLayer,
  smoothActivations,
} from "../../../../compression/mod.ts";
import { read, reshape, type Tensor, tensor } from "../../../../gpu/mod.ts";
import { testDevice } from "../../../support/device.ts";
import { normals } from "./random_hessian.ts";

function layer(shape: readonly number[], seed: number, groups = 1): ScalableLayer {
  const weight = normals(shape.reduce((a, b) => a * b), seed);
  return { weight, shape, bias: normals(shape[0], seed + 1), groups };
}

/** Largest magnitude of each row. */
function rowMaxima({ weight, shape }: ScalableLayer): number[] {
  const inputs = weight.length / shape[0];
  return Array.from(
    { length: shape[0] },
    (_, o) => Math.max(...weight.subarray(o * inputs, (o + 1) * inputs).map(Math.abs)),
  );
}

function apply(x: Tensor, of: ScalableLayer, relu: boolean): Tensor {
  const weight = tensor(x.device, of.weight, [1, ...of.shape]);
  const bias = tensor(x.device, of.bias!, [1, of.shape[0]]);
  if (of.shape.length === 4) {
    return conv2d(x, weight, bias, { groups: of.groups, padding: 1, relu });
  }
  return linear(reshape(x, [1, x.shape[1], of.shape[1]]), weight, bias, { relu });
}

Deno.test("equalizeLayers() gives channels the same range before and after", () => {
  const layers = { a: layer([6, 5], 1), b: layer([4, 6], 3) };
  const { a, b } = equalizeLayers(layers, [["a", "b"]]);
  const columns = Array.from(
    { length: 6 },
    (_, c) => Math.max(...[0, 1, 2, 3].map((o) => Math.abs(b.weight[o * 6 + c]))),
  );
  rowMaxima(a).forEach((range, c) => assert.ok(Math.abs(range / columns[c] - 1) < 1e-5));
});

Deno.test("equalizeLayers() of a chain ends where no pair would change", () => {
  const layers = { a: layer([8, 5], 1), b: layer([7, 8], 3), c: layer([3, 7], 5) };
  const pairs = [["a", "b"], ["b", "c"]] as const;
  const once = equalizeLayers(layers, pairs, { tolerance: 1e-6, rounds: 1000 });
  const again = equalizeLayers(once, pairs, { rounds: 1 });
  for (const name of ["a", "b", "c"] as const) {
    once[name].weight.forEach((w, i) => {
      assert.ok(Math.abs(w - again[name].weight[i]) <= 1e-5 * Math.abs(w));
    });
  }
});

Deno.test("equalizeLayers() leaves dead channels alone", () => {
  const a = { weight: new Float32Array([0, 0, 4, 1]), shape: [2, 2] };
  const b = { weight: new Float32Array([3, 1]), shape: [1, 2] };
  const found = equalizeLayers({ a, b }, [["a", "b"]]);
  assert.deepEqual([...found.a.weight], [0, 0, 2, 0.5]);
  assert.deepEqual([...found.b.weight], [3, 2]);
});

for (
  const [title, first, second] of [
    ["linear layers", layer([6, 36], 1), layer([4, 6], 3)],
    ["convolutions", layer([6, 1, 3, 3], 1), layer([4, 6, 3, 3], 3)],
    ["a depthwise convolution", layer([6, 1, 3, 3], 1), layer([6, 1, 3, 3], 3, 6)],
    ["grouped convolutions", layer([6, 1, 3, 3], 1), layer([4, 3, 3, 3], 3, 2)],
    ["a linear layer behind a flattened image", layer([3, 1, 3, 3], 1), layer([4, 108], 3)],
  ] as const
) {
  Deno.test(`rescaleChannels() changes nothing of what is computed: ${title}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const x = tensor(device, normals(4 * 36, 9), [1, 4, 1, 6, 6]);
    const compute = async (a: ScalableLayer, b: ScalableLayer) =>
      await read(apply(apply(x, a, true), b, false));
    const wanted = await compute(first, second);
    const scales = Float64Array.from({ length: first.shape[0] }, (_, c) => 0.3 * (c + 1));
    const found = await compute(...rescaleChannels(first, second, scales));
    found.forEach((y, i) => assert.ok(Math.abs(y - wanted[i]) < 1e-4 * (1 + Math.abs(wanted[i]))));
  });
}

Deno.test("rescaleChannels() refuses layers that do not follow each other, and scales of 0", () => {
  const [a, b] = [layer([6, 5], 1), layer([4, 6], 3)];
  assert.throws(
    () => rescaleChannels(a, layer([4, 7], 1), new Float64Array(6).fill(1)),
    RangeError,
  );
  assert.throws(
    () => rescaleChannels(a, b, new Float64Array(6)),
    new RangeError(
      "Cannot rescale 6 channels: each needs a scale of more than 0: 6 are given, 0 of them positive",
    ),
  );
});

Deno.test("smoothActivations() shares a channel's range between activation and weight", () => {
  const [a, b] = [layer([6, 5], 1), layer([4, 6], 3)];
  const maxima = new Float32Array([1, 50, 2, 0.1, 0, 7]);
  for (const alpha of [0, 0.5, 1]) {
    const [, smoothed] = smoothActivations(a, b, maxima, alpha);
    maxima.forEach((most, c) => {
      const column = (of: ScalableLayer) =>
        Math.max(...[0, 1, 2, 3].map((o) => Math.abs(of.weight[o * 6 + c])));
      const s = column(smoothed) / column(b);
      const wanted = most === 0 ? 1 : most ** alpha / column(b) ** (1 - alpha);
      assert.ok(Math.abs(s / wanted - 1) < 1e-5);
      if (alpha === 0.5 && most > 0) {
        assert.ok(Math.abs(most / s / column(smoothed) - 1) < 1e-5); // both have the same range now
      }
    });
  }
  assert.throws(() => smoothActivations(a, b, maxima, 1.1), RangeError);
  assert.throws(
    () => smoothActivations(a, b, maxima.with(2, NaN)),
    new RangeError(
      "Cannot smooth activations: each of 6 channels needs a finite maximum: that of 2 is NaN",
    ),
  );
});

Deno.test("inputMaxima() finds the largest magnitude of every channel, batch after batch", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const first = tensor(device, [1, -5, 2, 0, 3, 1, -1, 0.5], [1, 2, 2, 2]);
  const second = tensor(device, [0, 0, -7, 0], [1, 1, 4]);
  assert.deepEqual([...await inputMaxima([first, second], 2)], [5, 7]);
  await assert.rejects(
    inputMaxima([], 2, "fc2"),
    new RangeError(
      'Cannot find the ranges of 2 input channels of "fc2": there must be inputs: there are none',
    ),
  );
  await assert.rejects(inputMaxima([first], 3), /must be \[1, rows, channels, ...\]/);
  for (const bad of [NaN, Infinity, -Infinity]) {
    const third = tensor(device, [0, 1, 2, bad], [1, 2, 2]);
    await assert.rejects(
      inputMaxima([first, third], 2, "fc2"),
      new RangeError(
        'Cannot find the ranges of 2 input channels of "fc2": every value must be finite: ' +
          `channel 1 holds ${bad}`,
      ),
    );
  }
});
