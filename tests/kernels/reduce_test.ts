import assert from "node:assert/strict";
import { type Device, read, run, tensor } from "../../gpu/mod.ts";
import {
  chooseReduce,
  randomSource,
  reduceByLaneKernels,
  reduceByWorkgroupKernels,
  reduceParams,
} from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const MILLIONS = 2 ** 24;
const PARTS = 4096;

for (const kernels of [reduceByLaneKernels, reduceByWorkgroupKernels]) {
  const { variant } = kernels.family;

  Deno.test(`reduce.${variant}.sum adds 16 million numbers in two passes, always in one order`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const random = randomSource(3);
    const numbers = new Float32Array(MILLIONS).map(() => random());
    const wanted = numbers.reduce((sum, value) => sum + value, 0);
    const x = tensor(device, numbers);
    const total = async () => {
      const { y } = run(kernels.sum, { x }, reduceParams(1, MILLIONS, 1, PARTS));
      return (await read(run(kernels.sum, { x: y }, reduceParams(1, PARTS, 1)).y))[0];
    };
    const found = await total();
    // each addition is off by half a unit in the last place; 2^-24 sqrt(n) after n of them
    const bound = 2 * 2 ** -24 * Math.sqrt(MILLIONS / PARTS) * wanted;
    assert.ok(Math.abs(found - wanted) <= bound, `${found} is not ${wanted} within ${bound}`);
    assert.equal(await total(), found);
  });

  for (const entry of ["minimum", "maximum"] as const) {
    Deno.test(`reduce.${variant}.${entry} is NaN where one of the numbers is`, async () => {
      const device = await testDevice();
      using _scope = device.scope();
      for (const at of [0, 1, 700, 1999]) {
        const numbers = new Float32Array(2000).fill(-1);
        numbers[3] = -Infinity;
        numbers[4] = Infinity;
        numbers[at] = NaN;
        const x = tensor(device, numbers);
        const { y } = run(kernels[entry], { x }, reduceParams(1, 2000, 1));
        assert.deepEqual([...await read(y)], [NaN]);
        const parts = await read(run(kernels[entry], { x }, reduceParams(2, 1000, 1, 2)).y);
        const broken = 2 * Math.floor(at / 1000) + at % 2;
        parts.forEach((value, i) => assert.equal(Number.isNaN(value), i === broken));
      }
    });
  }

  Deno.test(`reduce.${variant}.argmax takes the first of equals`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const numbers = new Float32Array(2000).fill(-1);
    for (const at of [1999, 1300, 700, 701]) numbers[at] = 5;
    const x = tensor(device, numbers);
    const { indices } = run(kernels.argmax, { x }, reduceParams(1, 2000, 1));
    assert.deepEqual([...await read(indices)], [700]);
    const columns = run(kernels.argmax, { x }, reduceParams(1, 1000, 2)).indices;
    assert.deepEqual([...await read(columns)], [350, 350]);
  });
}

Deno.test("reduce.by_lane refuses an axis that an invocation cannot walk", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, new Float32Array(60_001));
  assert.throws(() => run(reduceByLaneKernels.maximum, { x }, reduceParams(1, 60_001, 1)), {
    name: "RangeError",
    message: 'Cannot run kernel "reduce.by_lane.maximum": an invocation may loop 60000 times at ' +
      "most: it would 60001 times",
  });
});

Deno.test("chooseReduce() takes trees on GPUs where axes are few, and wherever one is too long to walk", () => {
  const adapter = (isSoftware: boolean) => ({ isSoftware }) as Device;
  const few = reduceParams(4, 1000, 1);
  assert.equal(chooseReduce(adapter(true), few), reduceByLaneKernels);
  assert.equal(chooseReduce(adapter(false), few), reduceByWorkgroupKernels);
  assert.equal(chooseReduce(adapter(false), reduceParams(1, 8, 1e6)), reduceByLaneKernels);
  assert.equal(chooseReduce(adapter(true), reduceParams(1, 1e6, 1)), reduceByWorkgroupKernels);
});
