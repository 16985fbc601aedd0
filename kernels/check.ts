import {
  type Device,
  type HostArray,
  type Kernel,
  type KernelCase,
  type Numbers,
  readAll,
  type ReferenceInputs,
  run,
  type Tensor,
  tensor,
} from "../gpu/mod.ts";
import { randomSource, standardNormal } from "./random_source.ts";

const ARRAYS = { f32: Float32Array, u32: Uint32Array, i32: Int32Array };

/** One element that is further from the reference than the tolerance allows. */
export interface Mismatch {
  /** Name of the tensor. */
  readonly tensor: string;
  /** Flat index of the element. */
  readonly index: number;
  /** What the GPU gave. */
  readonly found: number;
  /** What the reference gives. */
  readonly wanted: number;
}

/** The outcome of one entry point on one case. */
export interface CheckResult {
  /** Such as `matmul.naive.nt`. */
  readonly kernel: string;
  /** Params of the case. */
  readonly params: Numbers;
  /** All constants, defaults included. */
  readonly constants: Numbers;
  /** Elements compared. */
  readonly compared: number;
  /** Largest |found - wanted| / (absolute + relative |wanted|); 1 is the edge of the tolerance. */
  readonly worst: number;
  /** The first five elements outside the tolerance. */
  readonly mismatches: readonly Mismatch[];
}

/**
 * Makes inputs for a case: standard normal numbers, or what the family generates.
 *
 * @param kernel The entry point.
 * @param params Its params.
 * @param constants All its constants.
 * @param seed Same seed, same numbers.
 * @returns One host array a tensor that any entry of the family reads or updates.
 */
export function makeInputs(
  kernel: Kernel,
  params: Numbers,
  constants: Numbers,
  seed: number,
): Record<string, HostArray> {
  const { family } = kernel;
  const lengths = family.lengths(params, constants);
  const elements = new Map(inputBindings(kernel).map(({ name, element }) => [name, element]));
  const inputs: Record<string, HostArray> = {};
  let stream = 0;
  for (const [name, element] of elements) {
    const random = randomSource(seed * 1009 + stream++);
    const length = lengths[name];
    const values = family.generate?.[name]?.(random, params, length) ??
      Array.from({ length }, () => standardNormal(random));
    inputs[name] = new ARRAYS[element](values);
  }
  return inputs;
}

function inputBindings(kernel: Kernel): Kernel["bindings"] {
  const { reads, updates } = kernel.spec;
  return kernel.bindings.filter(({ name }) => reads.includes(name) || updates?.includes(name));
}

/**
 * Runs one entry point on one case and compares every element with the float64 reference.
 *
 * @param device Where to run.
 * @param kernel The entry point.
 * @param kernelCase Params and constants.
 * @param seed Of the inputs.
 * @returns What was compared, and the first five mismatches.
 */
export async function checkKernel(
  device: Device,
  kernel: Kernel,
  kernelCase: KernelCase,
  seed: number,
): Promise<CheckResult> {
  const { family, entry, spec } = kernel;
  const { params } = kernelCase;
  const constants = { ...family.constants, ...kernelCase.constants };
  const host = makeInputs(kernel, params, constants, seed);
  const inputs: ReferenceInputs = Object.fromEntries(
    Object.entries(host).map(([name, data]) => [name, Float64Array.from(data)]),
  );
  const wanted = family.reference(inputs, params, constants, entry);

  using _scope = device.scope();
  const given: Record<string, Tensor> = {};
  for (const name of [...spec.reads, ...spec.updates ?? []]) {
    given[name] = tensor(device, host[name], [host[name].length]);
  }
  const made = run(kernel, given, params, { constants: kernelCase.constants, device });
  const names = [...spec.writes, ...spec.updates ?? []];
  const found = await readAll(names.map((name) => made[name] ?? given[name]));

  const tolerance = typeof family.tolerance === "function"
    ? family.tolerance(params, entry)
    : family.tolerance;
  const { absolute, relative } = tolerance === "exact" ? { absolute: 0, relative: 0 } : tolerance;
  let compared = 0;
  let worst = 0;
  const mismatches: Mismatch[] = [];
  names.forEach((name, i) => {
    const reference = wanted[name];
    if (reference === undefined || reference.length !== found[i].length) {
      throw new TypeError(
        `Cannot check kernel "${kernel.label}": the reference must give ${found[i].length} ` +
          `elements of "${name}": it gives ${reference?.length ?? "none"}`,
      );
    }
    for (let j = 0; j < reference.length; j++) {
      const want = reference[j];
      const have = found[i][j];
      compared++;
      if (Object.is(have, want) || have === want) continue;
      const error = Math.abs(have - want);
      const ratio = error / (absolute + relative * Math.abs(want));
      if (!(ratio <= 1)) {
        if (mismatches.length < 5) {
          mismatches.push({ tensor: name, index: j, found: have, wanted: want });
        }
        worst = Infinity;
      } else if (ratio > worst) worst = ratio;
    }
  });
  return { kernel: kernel.label, params, constants, compared, worst, mismatches };
}

/**
 * Lists the cases that fit an entry point.
 *
 * @param kernel The entry point.
 * @returns Its cases.
 */
export function casesOf(kernel: Kernel): KernelCase[] {
  return kernel.family.cases.filter(({ entries }) => entries?.includes(kernel.entry) ?? true);
}

/**
 * Writes a failed check for a person.
 *
 * @param result A result with mismatches.
 * @returns Kernel, params and the first mismatches, one a line.
 */
export function formatMismatches(result: CheckResult): string {
  const numbers = (n: Numbers) => Object.entries(n).map(([k, v]) => `${k}=${v}`).join(" ");
  return [
    `${result.kernel}: ${numbers(result.params)} ${numbers(result.constants)}`,
    ...result.mismatches.map(({ tensor, index, found, wanted }) =>
      `  ${tensor}[${index}] is ${found}, reference ${wanted}`
    ),
  ].join("\n");
}
