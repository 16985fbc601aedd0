import assert from "node:assert/strict";
import {
  backward,
  fakeQuantize,
  fakeQuantizeShared,
  type GridNumbers,
  type StochasticRounding,
  uploadGrids,
} from "../../autograd/mod.ts";
import { roundStochastically, streamKey, uniformAt } from "../../kernels/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";

const GRID: GridNumbers = { scale: 0.5, inverseScale: 2, zeroPoint: 1, qMin: 0, qMax: 3 };
const X = [-1, -0.74, -0.5, 0.24, 0.26, 0.25, 0.75, 1, 1.26, 9];
/** q = round(2 x) + 1 before it is clipped to 0..3 */
const Q = [-1, 0, 0, 1, 2, 1, 3, 3, 4, 19];

Deno.test("fakeQuantize() snaps to the grid and clips at its ends", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const y = fakeQuantize(tensor(device, X, [2, 5]), uploadGrids(device, [GRID], 10));
  assert.deepEqual(y.shape, [2, 5]);
  const wanted = Q.map((q) => (Math.min(Math.max(q, 0), 3) - 1) * 0.5);
  assert.deepEqual([...await read(y)], wanted);
});

Deno.test("fakeQuantize() passes the gradient straight through where it did not clip", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, X);
  const seed = tensor(device, X.map((_, i) => i + 1));
  const y = fakeQuantize(x, uploadGrids(device, [GRID], 10));
  const gradient = await read(backward(y, [x], { seed }).get(x)!);
  assert.deepEqual([...gradient], Q.map((q, i) => 0 <= q && q <= 3 ? i + 1 : 0));
});

Deno.test("fakeQuantize() gives every channel its own grid, forward and back", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const grids = [GRID, { scale: 1, inverseScale: 1, zeroPoint: 0, qMin: -1, qMax: 1 }];
  for (const inner of [3, 4]) {
    const row = [0.3, 1.2, -0.2, 5].slice(0, inner);
    const x = tensor(device, [...row, ...row, ...row, ...row], [2, 2, inner]);
    const y = fakeQuantize(x, uploadGrids(device, grids, inner));
    const first = [0.5, 1, -0, 1].slice(0, inner);
    const second = [0, 1, 0, 1].slice(0, inner);
    assert.deepEqual(
      [...await read(y)].map((value) => value + 0),
      [...first, ...second, ...first, ...second].map((value) => value + 0),
    );
    const gradient = backward(y, [x], {
      seed: tensor(device, new Float32Array(x.size).fill(1), x.shape),
    });
    const passes = [1, 1, 1, 0].slice(0, inner);
    assert.deepEqual([...await read(gradient.get(x)!)], [
      ...passes,
      ...passes,
      ...passes,
      ...passes,
    ]);
  }
});

Deno.test("fakeQuantize() rounds as it is told", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const grid = { scale: 1, inverseScale: 1, zeroPoint: 0, qMin: -9, qMax: 9 };
  const x = tensor(device, [-2.5, -1.7, -0.5, 0.5, 1.5, 2.7]);
  const wanted = {
    nearestEven: [-2, -2, 0, 0, 2, 3],
    towardZero: [-2, -1, 0, 0, 1, 2],
    down: [-3, -2, -1, 0, 1, 2],
  };
  for (const rounding of ["nearestEven", "towardZero", "down"] as const) {
    const y = await read(fakeQuantize(x, uploadGrids(device, [grid], 6, rounding)));
    assert.deepEqual([...y].map((value) => value + 0), wanted[rounding], rounding);
  }
});

Deno.test("fakeQuantize() refuses channels that do not fill the tensor", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3, 4], [2, 2]);
  assert.throws(() => fakeQuantize(x, uploadGrids(device, [GRID, GRID, GRID], 1)), {
    name: "RangeError",
    message: "Cannot fake-quantize x as it must hold whole groups of 3 channels x 1 elements: " +
      "current shape is [2, 2]",
  });
});

Deno.test("fakeQuantize() rounds stochastically: a pure function of seed, stream, step and element", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const grid = { scale: 0.5, inverseScale: 2, zeroPoint: 1, qMin: 0, qMax: 3 };
  const values = Array.from({ length: 2 * 3 * 7 }, (_, i) => Math.fround(0.9 * Math.sin(i)));
  const seeds = [7, 2 ** 32 - 1];
  const x = tensor(device, values, [2, 3, 7]);
  const drawn = async (stream: number, step: number) => {
    const rounding: StochasticRounding = {
      kind: "stochastic",
      seeds: tensor(device, new Uint32Array(seeds)),
      clock: tensor(device, new Uint32Array([step])),
      stream,
    };
    const y = fakeQuantize(x, uploadGrids(device, [grid], 7, rounding));
    const gradient = backward(y, [x], {
      seed: tensor(device, new Float32Array(x.size).fill(1), x.shape),
    });
    return [await read(y), await read(gradient.get(x)!)];
  };
  for (const [stream, step] of [[0, 0], [3, 12]]) {
    const q = values.map((value, i) => {
      const key = streamKey(streamKey(seeds[Math.floor(i / 21)], stream), step);
      return roundStochastically(Math.fround(value * 2), uniformAt(key, i % 21)) + 1;
    });
    const [y, dx] = await drawn(stream, step);
    assert.deepEqual(
      Array.from(y, (v) => v + 0),
      q.map((v) => (Math.min(Math.max(v, 0), 3) - 1) / 2),
    );
    assert.deepEqual([...dx], q.map((v) => 0 <= v && v <= 3 ? 1 : 0));
  }
  assert.notDeepEqual((await drawn(0, 0))[0], (await drawn(0, 1))[0]);
});

Deno.test("fakeQuantizeShared() rounds one input stochastically for each network", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const grid = { scale: 1, inverseScale: 1, zeroPoint: 0, qMin: -4, qMax: 4 };
  const x = [0.5, -0.3, 1.7, 2.5, -2.2];
  const rounding: StochasticRounding = {
    kind: "stochastic",
    seeds: tensor(device, new Uint32Array([1, 2, 3])),
    clock: tensor(device, new Uint32Array([9])),
    stream: 4,
  };
  const grids = uploadGrids(device, [grid, grid, grid], 5, rounding);
  const shared = await read(fakeQuantizeShared(tensor(device, x, [1, 5]), grids));
  const copies = await read(fakeQuantize(tensor(device, [...x, ...x, ...x], [3, 5]), grids));
  assert.deepEqual(shared, copies);
  assert.throws(
    () =>
      fakeQuantize(
        tensor(device, [1, 2, 3, 4, 5], [1, 5]),
        uploadGrids(device, [grid], 5, rounding),
      ),
    /x must hold 3 networks of equal size, one a seed: current shape is \[1, 5\]/,
  );
});
