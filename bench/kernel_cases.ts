import {
  bytesMoved,
  type Device,
  type HostArray,
  type Kernel,
  type KernelCase,
  type KernelFamily,
  type KernelRoom,
  type Numbers,
} from "../gpu/mod.ts";
import {
  casesOf,
  checkKernel,
  formatMismatches,
  randomSource,
  standardNormal,
} from "../kernels/mod.ts";

/** A case whose reference takes longer than this many operations is checked on a smaller one. */
const MAX_CHECKED_FLOPS = 4e7;
/** Likewise for elements of all tensors together. */
const MAX_CHECKED_ELEMENTS = 2 ** 19;

const ARRAYS = { f32: Float32Array, u32: Uint32Array, i32: Int32Array };

/** One entry of one variant on one case. */
export interface TimedCase {
  /** The entry point. */
  readonly kernel: Kernel;
  /** Params and constants. */
  readonly one: KernelCase;
}

/**
 * All constants of a case.
 *
 * @param family The kernel's family.
 * @param one The case.
 * @returns Its constants, defaults included.
 */
export function constantsOf(family: KernelFamily, one: KernelCase): Numbers {
  return { ...family.constants, ...one.constants };
}

function elementsOf(family: KernelFamily, one: KernelCase): number {
  return Object.values(family.lengths(one.params, constantsOf(family, one)))
    .reduce((a, b) => a + b, 0);
}

/** Cases of a family that are worth timing. */
function benchCasesOf(family: KernelFamily): readonly KernelCase[] {
  if (family.benchCases !== undefined) return family.benchCases;
  return [family.cases.toSorted((a, b) => elementsOf(family, b) - elementsOf(family, a))[0]];
}

/**
 * Gathers what does the same work: the variants of one entry on one case.
 *
 * @param rooms Every kernel.
 * @param names Names of kernels; all if empty.
 * @param quick Whether the first case of each entry is enough.
 * @returns Groups in the order of the rooms, the naive variant of each first.
 */
export function groupCases(
  rooms: readonly KernelRoom[],
  names: readonly string[],
  quick: boolean = false,
): TimedCase[][] {
  const groups = new Map<string, TimedCase[]>();
  for (const { family, kernels } of rooms) {
    if (names.length > 0 && !names.includes(family.name)) continue;
    for (const kernel of kernels) {
      for (const one of benchCasesOf(family)) {
        if (!(one.entries?.includes(kernel.entry) ?? true)) continue;
        const key = JSON.stringify([family.name, kernel.entry, one.params]);
        groups.set(key, [...groups.get(key) ?? [], { kernel, one }]);
      }
    }
  }
  const entries = new Set<string>();
  const isWanted = ([{ kernel }]: readonly TimedCase[]): boolean => {
    const entry = `${kernel.family.name}.${kernel.entry}`;
    const isFirst = !entries.has(entry);
    entries.add(entry);
    return isFirst || !quick;
  };
  const isNaive = ({ kernel }: TimedCase): boolean => kernel.family.variant === "naive";
  return [...groups.values()].filter(isWanted).map((group) =>
    group.toSorted((a, b) => Number(isNaive(b)) - Number(isNaive(a)))
  );
}

/**
 * Makes inputs to time a kernel with: what the family generates, else normal numbers that repeat.
 *
 * @param timed Entry and case.
 * @returns One array a tensor that the entry reads or updates.
 */
export function timingInputs({ kernel, one }: TimedCase): Record<string, HostArray> {
  const { family, spec } = kernel;
  const lengths = family.lengths(one.params, constantsOf(family, one));
  const inputs: Record<string, HostArray> = {};
  for (const { name, element } of kernel.bindings) {
    if (!spec.reads.includes(name) && !spec.updates?.includes(name)) continue;
    const random = randomSource(1, Object.keys(inputs).length);
    const length = lengths[name];
    const generated = family.generate?.[name]?.(random, one.params, length);
    inputs[name] = generated === undefined
      ? repeatedNormals(random, length, ARRAYS[element])
      : new ARRAYS[element](generated);
  }
  return inputs;
}

/** Drawing 16 million normal numbers takes seconds, and no kernel's time depends on them. */
function repeatedNormals(
  random: () => number,
  length: number,
  Type: (typeof ARRAYS)[keyof typeof ARRAYS],
): HostArray {
  const data = new Type(length);
  const block = Math.min(length, 2 ** 16);
  for (let i = 0; i < block; i++) data[i] = standardNormal(random);
  for (let done = block; done < length; done *= 2) data.copyWithin(done, 0, done);
  return data;
}

function isQuickToCheck({ kernel, one }: TimedCase): boolean {
  const { family, spec } = kernel;
  return spec.flops(one.params, constantsOf(family, one)) <= MAX_CHECKED_FLOPS &&
    elementsOf(family, one) <= MAX_CHECKED_ELEMENTS;
}

/**
 * Compares a kernel with its float64 reference, on the case itself or on its largest declared case
 * that takes little time.
 *
 * @param device Where to run.
 * @param timed Entry and case.
 * @returns Whether it was checked on the case itself.
 * @throws {Error} If it is wrong: a wrong kernel has no speed.
 */
export async function checkBeforeTiming(device: Device, timed: TimedCase): Promise<boolean> {
  const { kernel, one } = timed;
  const itself = isQuickToCheck(timed);
  const declared = casesOf(kernel)
    .filter((other) => isQuickToCheck({ kernel, one: other }))
    .toSorted((a, b) => elementsOf(kernel.family, b) - elementsOf(kernel.family, a));
  const result = await checkKernel(device, kernel, itself ? one : declared[0] ?? one, 3);
  if (result.mismatches.length > 0) {
    throw new Error(
      `Cannot time kernel "${kernel.label}": it is wrong on this adapter: ` +
        formatMismatches(result),
    );
  }
  return itself || declared.length === 0;
}

/**
 * What one dispatch costs by the declaration.
 *
 * @param timed Entry and case.
 * @returns Operations and bytes moved.
 */
export function costOf({ kernel, one }: TimedCase): { flops: number; bytes: number } {
  const constants = constantsOf(kernel.family, one);
  return {
    flops: kernel.spec.flops(one.params, constants),
    bytes: bytesMoved(kernel, one.params, constants),
  };
}
