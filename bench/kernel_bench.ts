import {
  bytesMoved,
  type Device,
  type Kernel,
  type KernelCase,
  type KernelFamily,
  type Numbers,
  type Roofline,
  run,
  type Tensor,
  tensor,
  timeRepeatedly,
  type Timing,
} from "../gpu/mod.ts";
import { checkKernel, kernelRooms, makeInputs } from "../kernels/mod.ts";

/** Cases whose reference takes longer than this many operations are timed, but not checked again. */
const MAX_CHECKED_FLOPS = 3e7;

/** One timed entry point of one variant on one case. */
export interface KernelRow {
  readonly kernel: string;
  readonly name: string;
  readonly variant: string;
  readonly entry: string;
  readonly file: string;
  readonly params: Numbers;
  readonly timing: Timing;
  readonly gflops: number;
  readonly gigabytes: number;
  /** What limits it by the roofline model. */
  readonly bound: "compute" | "memory";
  /** Share of the roof that it reaches, 0 to 1. */
  readonly roofShare: number;
  /** How much faster than the naive variant on the same case; 1 where there is none. */
  readonly speedUp: number;
  /** True if it was compared with its reference in this run. */
  readonly checked: boolean;
}

/** Cases of a family that are worth timing. */
function benchCasesOf(family: KernelFamily): readonly KernelCase[] {
  if (family.benchCases !== undefined) return family.benchCases;
  const constantsOf = (one: KernelCase) => ({ ...family.constants, ...one.constants });
  const sizeOf = (one: KernelCase) =>
    Object.values(family.lengths(one.params, constantsOf(one))).reduce((a, b) => a + b, 0);
  return [family.cases.toSorted((a, b) => sizeOf(b) - sizeOf(a))[0]];
}

/** Params by which rows of different variants are recognized as the same work. */
function caseKey(row: Pick<KernelRow, "name" | "entry" | "params">): string {
  return JSON.stringify([row.name, row.entry, row.params]);
}

async function timeKernel(
  device: Device,
  kernel: Kernel,
  one: KernelCase,
  roofline: Roofline,
  seconds: number,
): Promise<KernelRow> {
  const { family, entry, spec } = kernel;
  const constants = { ...family.constants, ...one.constants };
  const flops = spec.flops(one.params, constants);
  const checked = flops <= MAX_CHECKED_FLOPS;
  if (checked) {
    const { mismatches } = await checkKernel(device, kernel, one, 3);
    if (mismatches.length > 0) {
      throw new Error(`Cannot time kernel "${kernel.label}": it is wrong on this adapter`);
    }
  }
  using _scope = device.scope();
  const host = makeInputs(kernel, one.params, constants, 1);
  const inputs: Record<string, Tensor> = {};
  for (const [name, data] of Object.entries(host)) inputs[name] = tensor(device, data);
  const into = run(kernel, inputs, one.params, { constants: one.constants, device });
  const timing = await timeRepeatedly(device, seconds, () => {
    run(kernel, inputs, one.params, { constants: one.constants, device, into });
  });
  const perSecond = 1000 / timing.median;
  const bytes = bytesMoved(kernel, one.params, constants);
  const computeTime = flops / roofline.flopsPerSecond;
  const memoryTime = bytes / roofline.bytesPerSecond;
  return {
    kernel: kernel.label,
    name: family.name,
    variant: family.variant ?? family.name,
    entry,
    file: family.file,
    params: one.params,
    timing,
    gflops: flops * perSecond / 1e9,
    gigabytes: bytes * perSecond / 1e9,
    bound: computeTime >= memoryTime ? "compute" : "memory",
    roofShare: Math.max(computeTime, memoryTime) * perSecond,
    speedUp: 1,
    checked,
  };
}

/** What a kernel bench is told. */
export interface KernelBenchOptions {
  /** Names of kernels; all if empty. */
  readonly names: readonly string[];
  /** How long to time each row at least. */
  readonly seconds: number;
  /** Called with each case's rows, one a variant, once the case is done. */
  readonly onCase: (rows: readonly KernelRow[]) => void;
}

/**
 * Times every entry point of every variant, variants of one case one after the other.
 *
 * @param device Where to run.
 * @param roofline The roof, measured in the same run.
 * @param options What to time, and for how long.
 * @returns All rows.
 */
export async function benchKernels(
  device: Device,
  roofline: Roofline,
  options: KernelBenchOptions,
): Promise<KernelRow[]> {
  const groups = new Map<string, { kernel: Kernel; one: KernelCase }[]>();
  for (const { family, kernels } of kernelRooms) {
    if (options.names.length > 0 && !options.names.includes(family.name)) continue;
    for (const kernel of kernels) {
      for (const one of benchCasesOf(family)) {
        if (!(one.entries?.includes(kernel.entry) ?? true)) continue;
        const key = caseKey({ name: family.name, entry: kernel.entry, params: one.params });
        groups.set(key, [...groups.get(key) ?? [], { kernel, one }]);
      }
    }
  }
  const all: KernelRow[] = [];
  for (const group of groups.values()) {
    const rows: KernelRow[] = [];
    for (const { kernel, one } of group) {
      rows.push(await timeKernel(device, kernel, one, roofline, options.seconds));
    }
    const naive = rows.find(({ variant }) => variant === "naive");
    const compared = rows.map((row) => ({
      ...row,
      speedUp: naive === undefined ? 1 : naive.timing.median / row.timing.median,
    }));
    options.onCase(compared);
    all.push(...compared);
  }
  return all;
}
