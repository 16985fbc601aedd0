import assert from "node:assert/strict";
import { groupCases, timingInputs } from "../../bench/kernel_cases.ts";
import { benchKernels, type KernelGroup } from "../../bench/kernel_bench.ts";
import { formatKernelGroup } from "../../bench/kernel_report.ts";
import { defineKernels } from "../../gpu/mod.ts";
import { kernelRooms, reluKernels } from "../../kernels/mod.ts";
import { testDevice } from "../support/device.ts";

const ROOFLINE = { flopsPerSecond: 1e10, bytesPerSecond: 1e10 };
const SMALL = { ...reluKernels.family, benchCases: [{ params: { size: 4096 } }] };

Deno.test("benchKernels() checks and times every entry of a room", async () => {
  const device = await testDevice();
  const seen: KernelGroup[] = [];
  const before = device.stats().liveBytes;
  const groups = await benchKernels(device, ROOFLINE, {
    names: [],
    seconds: 0.01,
    onGroup: (group) => seen.push(group),
    rooms: [defineKernels(SMALL)],
  });
  assert.deepEqual(groups, seen);
  assert.deepEqual(groups.map(({ entry }) => entry), ["forward", "backward"]);
  const [{ rows: [row] }] = groups;
  assert.equal(row.checked, "this case");
  assert.equal(row.bound, "memory");
  assert.equal(row.speedUp, undefined);
  const bytes = 8 * 4096;
  assert.ok(Math.abs(row.gigabytes - bytes / row.timing.median / 1e6) < 1e-9);
  assert.ok(Math.abs(row.roofShare - row.gigabytes / 10) < 1e-9);
  assert.equal(device.stats().liveBytes, before);
});

Deno.test("benchKernels() gives a wrong kernel no speed", async () => {
  const device = await testDevice();
  const wrong = defineKernels({ ...SMALL, reference: (inputs) => ({ y: inputs.x, dx: inputs.x }) });
  await assert.rejects(
    benchKernels(device, ROOFLINE, { names: [], seconds: 0.01, onGroup() {}, rooms: [wrong] }),
    /^Error: Cannot time kernel "relu\.forward": it is wrong on this adapter: relu\.forward: size=4096/,
  );
});

Deno.test("groupCases() puts the variants of one entry and case together", () => {
  const groups = groupCases(kernelRooms, ["matmul"]);
  const variants = groups.map((group) => group.map(({ kernel }) => kernel.family.variant));
  assert.deepEqual(variants[0], ["naive", "register_tiled", "workgroup_tiled"]);
  for (const group of groups) {
    assert.equal(new Set(group.map(({ kernel }) => kernel.entry)).size, 1);
    assert.equal(new Set(group.map(({ one }) => JSON.stringify(one.params))).size, 1);
  }
  assert.deepEqual(groupCases(kernelRooms, ["no such kernel"]), []);
  const quick = groupCases(kernelRooms, ["matmul"], true);
  assert.equal(quick.length, new Set(groups.map(([{ kernel }]) => kernel.entry)).size);
  assert.deepEqual(quick[0], groups[0]);
});

Deno.test("timingInputs() fills long tensors to their end", () => {
  const size = 3 * 2 ** 16 + 5;
  const { x } = timingInputs({ kernel: reluKernels.forward, one: { params: { size } } });
  assert.equal(x.length, size);
  assert.equal(x[2 ** 16], x[0]);
  assert.equal(x[size - 1], x[4]);
  assert.ok(x.every((value) => value !== 0 && Number.isFinite(value)));
});

const timing = (median: number) => ({
  median,
  p10: 0.9 * median,
  p90: 1.1 * median,
  repetitions: 9,
});

const GROUP: KernelGroup = {
  name: "relu",
  entry: "forward",
  params: { size: 16_777_216, offset: 0 },
  rows: [40, 2].map((median, i) => ({
    kernel: "relu.forward",
    name: "relu",
    variant: ["naive", "tiled"][i],
    entry: "forward",
    file: "kernels/relu/relu.wgsl",
    params: { size: 16_777_216, offset: 0 },
    timing: timing(median),
    gflops: 1 / median,
    gigabytes: 200 / median,
    bound: "memory" as const,
    roofShare: 1 / median,
    speedUp: 40 / median,
    checked: i === 0 ? "this case" as const : "a smaller case" as const,
  })),
  skipped: [{ variant: "slow", seconds: 4.31 }],
};

Deno.test("formatKernelGroup() sets a row a variant below a title", () => {
  assert.deepEqual(formatKernelGroup(GROUP).split("\n"), [
    "relu.forward  size=16777216  (checked on a smaller case)",
    "  variant   median       p10-p90  GFLOP/s  GB/s  bound   % roof  vs naive",
    "  naive    40.0 ms  36.0-44.0 ms     0.03   5.0  memory     2.5      1.0x",
    "  tiled    2.00 ms  1.80-2.20 ms     0.50   100  memory    50.0     20.0x",
    "  slow: about 4.3 s a repetition on this adapter: not timed",
  ]);
});

Deno.test("formatKernelGroup() shows path and head comment beside the rows when asked", () => {
  const shown = new Set<string>();
  const text = formatKernelGroup(GROUP, shown);
  assert.match(text, /^ {4}tiled: kernels\/relu\/relu\.wgsl$/m);
  const first = / {4}\| relu: the rectified linear unit and its gradient\.$/gm;
  assert.equal(text.match(first)?.length, 1, "once a file");
  const later = formatKernelGroup(GROUP, shown);
  assert.match(later, / {4}naive: kernels\/relu\/relu\.wgsl\n {4}tiled: kernels/);
  assert.doesNotMatch(later, first);
  assert.doesNotMatch(text, /@compute/);
});
