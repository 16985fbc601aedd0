import {
  type Device,
  type KernelRoom,
  type Numbers,
  type Roofline,
  run,
  type Tensor,
  tensor,
  type Timing,
} from "../gpu/mod.ts";
import { kernelRooms } from "../kernels/mod.ts";
import { type Repeat, timeAlternately } from "./alternate.ts";
import {
  checkBeforeTiming,
  costOf,
  groupCases,
  type TimedCase,
  timingInputs,
} from "./kernel_cases.ts";

/** A repetition that would take longer than this many seconds is not timed. */
const MAX_REPETITION = 0.5;

/** One timed entry point of one variant on one case. */
export interface KernelRow {
  /** Such as `matmul.register_tiled.nt`. */
  readonly kernel: string;
  /** Name of the mathematics. */
  readonly name: string;
  /** Which way it is computed. */
  readonly variant: string;
  /** Entry point. */
  readonly entry: string;
  /** Path of the shader. */
  readonly file: string;
  /** Params of the case. */
  readonly params: Numbers;
  /** Milliseconds a repetition. */
  readonly timing: Timing;
  /** 10^9 operations a second. */
  readonly gflops: number;
  /** 10^9 bytes a second that it must move at least. */
  readonly gigabytes: number;
  /** What limits it by the roofline model. */
  readonly bound: "compute" | "memory";
  /** Share of the roof that it reaches, 0 to 1. */
  readonly roofShare: number;
  /** How much faster than the naive variant on the same case; undefined where there is none. */
  readonly speedUp: number | undefined;
  /** Whether this very case was compared with the reference, or a smaller one. */
  readonly checked: "this case" | "a smaller case";
}

/** A variant that is too slow for a case. */
export interface SkippedRow {
  /** Which way it is computed. */
  readonly variant: string;
  /** About how long a repetition would take, from its rate on a smaller case. */
  readonly seconds: number;
}

/** All variants of one entry on one case. */
export interface KernelGroup {
  /** Name of the mathematics. */
  readonly name: string;
  /** Entry point. */
  readonly entry: string;
  /** Params of the case. */
  readonly params: Numbers;
  /** One a variant. */
  readonly rows: readonly KernelRow[];
  /** Variants that were not timed. */
  readonly skipped: readonly SkippedRow[];
}

/** What a kernel bench is told. */
export interface KernelBenchOptions {
  /** Names of kernels; all if empty. */
  readonly names: readonly string[];
  /** How long to time each row at least. */
  readonly seconds: number;
  /** Whether the first case of each entry is enough. */
  readonly quick?: boolean;
  /** Called with each group once it is done. */
  readonly onGroup: (group: KernelGroup) => void;
  /** Which kernels there are; all of the project if left out. */
  readonly rooms?: readonly KernelRoom[];
}

function variantOf({ kernel: { family } }: TimedCase): string {
  return family.variant ?? family.name;
}

/** Uploads the inputs of a case and gives what repeats its dispatch. */
function prepare(device: Device, timed: TimedCase): Repeat {
  const { kernel, one: { params, constants } } = timed;
  const inputs: Record<string, Tensor> = {};
  for (const [name, data] of Object.entries(timingInputs(timed))) {
    inputs[name] = tensor(device, data);
  }
  const into = run(kernel, inputs, params, { constants, device });
  return (times) => {
    for (let i = 0; i < times; i++) run(kernel, inputs, params, { constants, device, into });
  };
}

/** Operations, or bytes where there are few: what the time of a kernel grows with. */
function workOf(timed: TimedCase): number {
  const { flops, bytes } = costOf(timed);
  return Math.max(flops, bytes);
}

async function benchGroup(
  device: Device,
  group: readonly TimedCase[],
  roofline: Roofline,
  seconds: number,
  rates: Map<string, number>,
): Promise<KernelGroup> {
  const predicted = (timed: TimedCase) =>
    workOf(timed) / (rates.get(timed.kernel.label) ?? Infinity);
  const chosen = group.filter((timed) => predicted(timed) <= MAX_REPETITION);
  const checked: boolean[] = [];
  for (const timed of chosen) checked.push(await checkBeforeTiming(device, timed));
  using _scope = device.scope();
  const timings = await timeAlternately(device, seconds, chosen.map((one) => prepare(device, one)));
  const naive = timings[chosen.findIndex((timed) => variantOf(timed) === "naive")];
  const rows = chosen.map((timed, i): KernelRow => {
    const { kernel, one } = timed;
    const timing = timings[i];
    const { flops, bytes } = costOf(timed);
    const perSecond = 1000 / timing.median;
    const computeTime = flops / roofline.flopsPerSecond;
    const memoryTime = bytes / roofline.bytesPerSecond;
    rates.set(kernel.label, Math.max(rates.get(kernel.label) ?? 0, workOf(timed) * perSecond));
    return {
      kernel: kernel.label,
      name: kernel.family.name,
      variant: variantOf(timed),
      entry: kernel.entry,
      file: kernel.family.file,
      params: one.params,
      timing,
      gflops: flops * perSecond / 1e9,
      gigabytes: bytes * perSecond / 1e9,
      bound: computeTime >= memoryTime ? "compute" : "memory",
      roofShare: Math.max(computeTime, memoryTime) * perSecond,
      speedUp: naive === undefined ? undefined : naive.median / timing.median,
      checked: checked[i] ? "this case" : "a smaller case",
    };
  });
  const { kernel, one } = group[0];
  return {
    name: kernel.family.name,
    entry: kernel.entry,
    params: one.params,
    rows,
    skipped: group.filter((timed) => !chosen.includes(timed))
      .map((timed) => ({ variant: variantOf(timed), seconds: predicted(timed) })),
  };
}

/**
 * Times every entry point of every variant, the variants of one case in turn.
 *
 * Each is first compared with its float64 reference: a wrong kernel has no speed.
 *
 * @param device Where to run.
 * @param roofline The roof, measured in the same run.
 * @param options What to time, and for how long.
 * @returns All groups.
 * @throws {Error} If a kernel is wrong on this adapter.
 */
export async function benchKernels(
  device: Device,
  roofline: Roofline,
  options: KernelBenchOptions,
): Promise<KernelGroup[]> {
  const rates = new Map<string, number>();
  const groups: KernelGroup[] = [];
  const { rooms = kernelRooms, names, quick } = options;
  for (const group of groupCases(rooms, names, quick)) {
    const done = await benchGroup(device, group, roofline, options.seconds, rates);
    options.onGroup(done);
    groups.push(done);
  }
  return groups;
}
