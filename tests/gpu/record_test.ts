import assert from "node:assert/strict";
import {
  type Device,
  empty,
  openDevice,
  read,
  record,
  run,
  type Tensor,
  tensor,
  write,
  zeros,
} from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { scaleKernels, scaleParams } from "./scale_kernels.ts";

const SIZE = 4096;

/** A chain of dispatches whose intermediate results die one after the other. */
function chain(x: Tensor, length: number): Tensor {
  let y = x;
  for (let i = 0; i < length; i++) {
    y = run(scaleKernels.scale, { x: y }, scaleParams(x.size, 1 + 0.1 * i)).y;
  }
  return y;
}

function upload(device: Device): Tensor {
  return tensor(device, Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i)));
}

Deno.test("Program.run() gives what the same calls give outside, bit for bit", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = upload(device);
  const eager = await read(chain(x, 6));
  using program = record(device, () => chain(x, 6));
  program.run();
  assert.deepEqual(await read(program.result), eager);
});

Deno.test("Program.run() repeats the step, in as many submits as it takes", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const total = zeros(device, [3]);
  const x = tensor(device, [1, 2, 3]);
  using program = record(device, () => {
    run(scaleKernels.accumulate, { x, total }, scaleParams(3, 1));
  });
  assert.deepEqual([...await read(total)], [0, 0, 0], "nothing runs while it is recorded");
  program.run(200);
  program.run(5, 2);
  assert.deepEqual([...await read(total)], [205, 410, 615]);
  write(x, new Float32Array([1, 0, 0]));
  program.run(2);
  assert.deepEqual([...await read(total)], [207, 410, 615]);
});

Deno.test("record() drops dispatches that nobody looks at, when asked to", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = upload(device);
  const total = zeros(device, [SIZE]);
  const step = () => {
    const first = chain(x, 2);
    chain(first, 3); // leads nowhere
    run(scaleKernels.accumulate, { x: chain(first, 1), total }, scaleParams(SIZE, 1));
    const last = chain(first, 2);
    chain(last, 1); // neither does what comes after the result
    return last;
  };
  using whole = record(device, step);
  assert.equal(whole.explain().length, 2 + 3 + 2 + 2 + 1);
  whole.run();
  const [sums, result] = [await read(total), await read(whole.result)];
  using pruned = record(device, step, { dropUnread: true });
  assert.equal(pruned.explain().length, 2 + 2 + 2);
  write(total, new Float32Array(SIZE));
  pruned.run();
  assert.deepEqual(await read(total), sums);
  assert.deepEqual(await read(pruned.result), result);
});

Deno.test("Program.run() comes after the dispatches made before it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const total = tensor(device, [1]);
  using program = record(device, () => run(scaleKernels.scale, { x: total }, scaleParams(1)));
  run(scaleKernels.accumulate, { x: tensor(device, [4]), total }, scaleParams(1, 1));
  program.run();
  run(scaleKernels.accumulate, { x: tensor(device, [100]), total }, scaleParams(1, 1));
  assert.deepEqual([...await read(program.result.y)], [10]);
});

Deno.test("record() plans less memory than the same calls take outside", async () => {
  const peakOf = async (work: (device: Device, x: Tensor) => void) => {
    using device = await openDevice();
    const x = upload(device);
    const before = device.stats().liveBytes;
    work(device, x);
    return device.stats().peakBytes - before;
  };
  const eager = await peakOf((device, x) => {
    using _scope = device.scope();
    chain(x, 8);
  });
  const planned = await peakOf((device, x) => {
    using program = record(device, () => chain(x, 8));
    program.run();
  });
  assert.equal(eager, 8 * 4 * SIZE);
  assert.equal(planned, 2 * 4 * SIZE);
});

Deno.test("record() keeps the memory of what the step returns", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = upload(device);
  using program = record(device, () => {
    const first = run(scaleKernels.scale, { x }, scaleParams(SIZE, 3)).y;
    return { first, last: chain(first, 5) };
  });
  program.run();
  const { first, last } = program.result;
  assert.deepEqual(
    await read(first),
    await read(run(scaleKernels.scale, { x }, scaleParams(SIZE, 3)).y),
  );
  assert.deepEqual(await read(last), await read(chain(first, 5)));
});

Deno.test("Program gives its memory back when it is disposed, once", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = upload(device);
  const before = device.stats().liveBytes;
  const program = record(device, () => chain(x, 3));
  assert.ok(device.stats().liveBytes > before);
  program[Symbol.dispose]();
  program[Symbol.dispose]();
  assert.equal(device.stats().liveBytes, before);
  assert.throws(() => program.run(), {
    name: "TypeError",
    message: "Cannot replay a program after it was disposed",
  });
  await assert.rejects(read(program.result), { name: "TypeError" });
});

Deno.test("Program.run() refuses a tensor whose scope was closed", async () => {
  const device = await testDevice();
  const scope = device.scope();
  const x = tensor(device, [1, 2]);
  using program = record(device, () => {
    chain(x, 1);
  });
  scope[Symbol.dispose]();
  assert.throws(() => program.run(), {
    name: "TypeError",
    message: 'Cannot replay kernel "scale.scale": the scope of "x" was closed',
  });
});

Deno.test("record() refuses what a replay could not repeat, and can be called again", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2]);
  const other = record(device, () => chain(x, 1));
  using _other = other;
  const refusals: [() => unknown, string][] = [
    [
      () => tensor(device, [1, 2]),
      "Cannot upload a tensor of shape [2] inside a recording: make it before, so that every " +
      "replay finds it",
    ],
    [
      () => write(x, new Float32Array(2)),
      "Cannot upload a tensor of shape [2] inside a recording: make it before, so that every " +
      "replay finds it",
    ],
    [
      () => zeros(device, [2]),
      "Cannot clear a tensor of shape [2] inside a recording: write it with a kernel instead",
    ],
    [
      () => chain(empty(device, [2]), 1),
      'Cannot record kernel "scale.scale": "x" is read before the program has written it',
    ],
    [
      () => run(scaleKernels.accumulate, { x, total: empty(device, [2]) }, scaleParams(2)),
      'Cannot record kernel "scale.accumulate": "total" is read before the program has written it',
    ],
    [
      () => chain(other.result, 1),
      'Cannot record kernel "scale.scale": "x" belongs to another program',
    ],
    [
      () => record(device, () => {}),
      "Cannot record: another program is being recorded on this device",
    ],
  ];
  for (const [attempt, message] of refusals) {
    const step = () => {
      attempt();
    };
    assert.throws(() => record(device, step), { name: "TypeError", message });
  }
  let reading: Promise<unknown> = Promise.resolve();
  record(device, () => {
    reading = read(x);
  });
  await assert.rejects(reading, {
    name: "TypeError",
    message: "Cannot read a tensor inside a recording: read it after the replay",
  });
});

Deno.test("Program.explain() lists every dispatch with its cost", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = upload(device);
  const total = zeros(device, [SIZE]);
  using program = record(device, () => {
    const { y } = run(scaleKernels.scale, { x }, scaleParams(SIZE, 3));
    run(scaleKernels.accumulate, { x: y, total }, scaleParams(SIZE));
  });
  assert.deepEqual(program.explain(), [
    {
      kernel: "scale.scale",
      shapes: { x: [SIZE], y: [SIZE] },
      params: scaleParams(SIZE, 3),
      workgroups: [64, 1, 1],
      flops: SIZE,
      bytes: 8 * SIZE,
    },
    {
      kernel: "scale.accumulate",
      shapes: { x: [SIZE], total: [SIZE] },
      params: scaleParams(SIZE),
      workgroups: [64, 1, 1],
      flops: 2 * SIZE,
      bytes: 12 * SIZE,
    },
  ]);
});

Deno.test("memory that a program reuses cannot be read or bound outside of it", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const x = tensor(device, [1, 2, 3]);
  const inside: Tensor[] = [];
  const double = (input: Tensor) => run(scaleKernels.scale, { x: input }, scaleParams(3, 2)).y;
  using program = record(device, () => {
    inside.push(double(x));
    return double(inside[0]);
  });
  program.run();
  assert.deepEqual([...await read(program.result)], [4, 8, 12]);
  const message = /return it from the recorded step$/;
  await assert.rejects(read(inside[0]), message);
  assert.throws(() => double(inside[0]), message);
});
