import assert from "node:assert/strict";
import {
  type Device,
  measureRoofline,
  profile,
  run,
  tensor,
  timeBatches,
  timeRepeatedly,
} from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { scaleKernels, scaleParams } from "./scale_kernels.ts";

Deno.test("timeRepeatedly() orders its quantiles and keeps nothing", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, new Float32Array(10_000));
  const before = device.stats().liveBytes;
  const { median, p10, p90, repetitions } = await timeRepeatedly(device, 0, () => {
    run(scaleKernels.scale, { x }, scaleParams(10_000));
  });
  assert.ok(0 < p10 && p10 <= median && median <= p90, `${p10} ${median} ${p90}`);
  assert.ok(Number.isInteger(repetitions) && repetitions >= 3);
  // one dispatch of this takes microseconds: a wait of 10 ms must not count
  assert.ok(median < 5, `${median} ms`);
  assert.equal(device.stats().liveBytes, before);
});

Deno.test("timeBatches() gives more time to more work", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, new Float32Array(65_536));
  const time = async (rounds: number) => {
    const params = { size: 65_536, rounds, factor: 1 };
    const { median } = await timeBatches(device, 0, (times) => {
      for (let i = 0; i < times; i++) {
        using _scope = device.scope();
        run(scaleKernels.scale, { x }, params);
      }
    });
    return median;
  };
  const [short, long] = [await time(1), await time(2000)];
  assert.ok(long > 3 * short, `${short} ms once, ${long} ms for 2,000 rounds`);
});

Deno.test("measureRoofline() finds what this adapter can do", async () => {
  const device = await testDevice();
  const { flopsPerSecond, bytesPerSecond } = await measureRoofline(device, 0);
  assert.ok(flopsPerSecond > 1e8 && flopsPerSecond < 1e16, `${flopsPerSecond} operations a second`);
  assert.ok(bytesPerSecond > 1e8 && bytesPerSecond < 1e15, `${bytesPerSecond} bytes a second`);
});

Deno.test("profile() sums the dispatches of every kernel, the slowest first", async (test) => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, new Float32Array(65_536));
  const total = tensor(device, new Float32Array(65_536));
  const work = () => {
    for (let i = 0; i < 3; i++) {
      run(scaleKernels.scale, { x }, { size: 65_536, rounds: 1000, factor: 1 });
    }
    run(scaleKernels.accumulate, { x, total }, scaleParams(65_536));
  };
  if (!device.info.hasTimestamps) {
    await assert.rejects(profile(device, work), { name: "TypeError", message: /no timestamp/ });
    return;
  }
  await profile(device, work); // compiles the pipelines
  const rows = await profile(device, work);
  assert.deepEqual(rows.map(({ kernel, dispatches }) => [kernel, dispatches]), [
    ["scale.scale", 3],
    ["scale.accumulate", 1],
  ]);
  assert.ok(rows.every(({ milliseconds }) => milliseconds > 0 && milliseconds < 10_000));
  assert.ok(rows[0].milliseconds > rows[1].milliseconds);

  await test.step("profile() of nothing is empty", async () => {
    assert.deepEqual(await profile(device, () => {}), []);
  });
  await test.step("profile() ends when the work throws", async () => {
    const fail = () => {
      throw new RangeError("in the work");
    };
    await assert.rejects(profile(device, fail), { message: "in the work" });
    assert.equal(device.stream.timestamps, undefined);
  });
});

Deno.test("profile() says that an adapter has no timestamps", async () => {
  const { info } = await testDevice();
  const device = { info: { ...info, name: "Old Adapter", hasTimestamps: false } } as Device;
  await assert.rejects(profile(device, () => {}), {
    name: "TypeError",
    message: "Cannot profile: Old Adapter has no timestamp queries",
  });
});
