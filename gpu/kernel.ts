import type { EntrySpec, KernelSpec, Numbers } from "./kernel_spec.ts";
import { parseWgsl, type ScalarType, type WgslBinding, type WgslModule } from "./wgsl.ts";

/** Storage bindings that every WebGPU adapter gives an entry point. */
const MAX_STORAGE_BINDINGS = 8;

/** One entry point, checked against its shader and ready for {@link run}. */
export interface Kernel {
  /** Such as `matmul.register_tiled.nt`. */
  readonly label: string;
  /** Name of the entry point in the shader. */
  readonly entry: string;
  /** What was declared of this entry. */
  readonly spec: EntrySpec;
  /** What was declared of the whole file. */
  readonly family: KernelFamily;
  /** Bindings of this entry in shader order. */
  readonly bindings: readonly (WgslBinding & { readonly written: boolean })[];
}

/** The specification of one shader file, whatever its entries are called. */
export type KernelFamily = KernelSpec<string>;

/** All kernels of one file, whatever their names. */
export interface KernelRoom {
  /** What was declared of the whole file. */
  readonly family: KernelFamily;
  /** Every entry point, in the order of the declaration. */
  readonly kernels: readonly Kernel[];
}

/** The kernels of one file, also by entry name. */
export type Kernels<Entry extends string> = KernelRoom & { readonly [K in Entry]: Kernel };

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function checkSpec(spec: KernelFamily, module: WgslModule, fail: (why: string) => never): void {
  const declaredParams = Object.entries(spec.params).map(([name, type]) => `${name}: ${type}`);
  const shaderParams = module.params.map(([name, type]) => `${name}: ${type}`);
  if (!same(declaredParams, shaderParams)) {
    fail(
      `params differ from the shader: declared [${declaredParams.join(", ")}], ` +
        `shader has [${shaderParams.join(", ")}]`,
    );
  }
  const constants = Object.keys(spec.constants ?? {});
  if (!same(constants.toSorted(), module.overrides.toSorted())) {
    fail(
      `constants differ from the shader: declared [${constants.join(", ")}], ` +
        `shader has [${module.overrides.join(", ")}]`,
    );
  }
  const entries = Object.keys(spec.entries);
  if (!same(entries.toSorted(), module.entries.toSorted())) {
    fail(
      `entries differ from the shader: declared [${entries.join(", ")}], ` +
        `shader has [${module.entries.join(", ")}]`,
    );
  }
  const used = new Set<string>();
  for (const entry of Object.values(spec.entries)) {
    for (const name of [...entry.reads, ...entry.writes, ...entry.updates ?? []]) used.add(name);
  }
  for (const { name } of module.bindings) {
    if (!used.has(name)) fail(`the shader binds "${name}", which no entry uses`);
  }
}

function bindingsOf(
  name: string,
  entry: EntrySpec,
  module: WgslModule,
  fail: (why: string) => never,
): Kernel["bindings"] {
  const written = new Set([...entry.writes, ...entry.updates ?? []]);
  const names = [...entry.reads, ...written];
  if (names.length > MAX_STORAGE_BINDINGS) {
    fail(`entry "${name}" must bind at most ${MAX_STORAGE_BINDINGS} tensors: ${names.length}`);
  }
  const bindings = names.map((tensor) => {
    const found = module.bindings.find((binding) => binding.name === tensor);
    if (found === undefined) fail(`entry "${name}" uses "${tensor}", which the shader lacks`);
    const access = written.has(tensor) ? "read_write" : "read";
    if (found!.access !== access) {
      fail(`"${tensor}" must be ${access} for entry "${name}": shader has ${found!.access}`);
    }
    return { ...found!, written: written.has(tensor) };
  });
  return bindings.toSorted((a, b) => a.binding - b.binding);
}

/**
 * Declares the kernels of one shader file and checks them against its text.
 *
 * From this declaration come the correctness test, the gradient check, the bench row and
 * `verify`, without further code.
 *
 * @param spec Names, params, lengths, grid, cost, float64 reference, tolerance and cases.
 * @returns A kernel an entry point, and the specification as `family`.
 * @throws {TypeError} If the declaration and the WGSL differ, with both sides.
 */
export function defineKernels<Entry extends string>(spec: KernelSpec<Entry>): Kernels<Entry> {
  const family: KernelFamily = spec;
  const title = spec.variant === undefined ? spec.name : `${spec.name}.${spec.variant}`;
  const fail = (why: string): never => {
    throw new TypeError(`Cannot define kernel "${title}": ${why}`);
  };
  const module = parseWgsl(spec.source, spec.file);
  checkSpec(family, module, fail);
  const kernels = Object.entries<EntrySpec>(spec.entries).map(([entry, entrySpec]): Kernel => ({
    label: `${title}.${entry}`,
    entry,
    spec: entrySpec,
    family,
    bindings: bindingsOf(entry, entrySpec, module, fail),
  }));
  const byEntry = Object.fromEntries(kernels.map((kernel) => [kernel.entry, kernel]));
  return { ...byEntry as Record<Entry, Kernel>, family, kernels };
}

/**
 * Counts the bytes that one dispatch must move at least: each tensor once, in-place ones twice.
 *
 * @param kernel The kernel.
 * @param params Its params.
 * @param constants Its constants.
 * @returns Bytes.
 */
export function bytesMoved(kernel: Kernel, params: Numbers, constants: Numbers): number {
  const { spec, family } = kernel;
  if (spec.touched !== undefined) return 4 * spec.touched(params, constants);
  const lengths = family.lengths(params, constants);
  const total = (names: readonly string[]) => names.reduce((sum, name) => sum + lengths[name], 0);
  return 4 * (total(spec.reads) + total(spec.writes) + 2 * total(spec.updates ?? []));
}

/**
 * Packs params as the shader's `struct Params` lays them out: 4-byte scalars in order.
 *
 * @param label The kernel, for the error.
 * @param types Names and types in order.
 * @param params Values by name.
 * @returns The block, a multiple of 16 bytes.
 * @throws {RangeError} If a value is missing, or not a whole number of its type where one is due.
 */
export function packParams(
  label: string,
  types: Readonly<Record<string, ScalarType>>,
  params: Numbers,
): ArrayBuffer {
  const names = Object.keys(types);
  const block = new DataView(new ArrayBuffer(Math.max(16, Math.ceil(names.length / 4) * 16)));
  names.forEach((name, i) => {
    const value = params[name];
    const type = types[name];
    const fits = type === "f32"
      ? typeof value === "number"
      : Number.isInteger(value) && value === (type === "u32" ? value >>> 0 : value | 0);
    if (!fits) {
      throw new RangeError(
        `Cannot run kernel "${label}": param "${name}" must be ${
          type === "f32" ? "a number" : `a whole ${type}`
        }: ${value}`,
      );
    }
    if (type === "f32") block.setFloat32(4 * i, value, true);
    else if (type === "i32") block.setInt32(4 * i, value, true);
    else block.setUint32(4 * i, value, true);
  });
  return block.buffer;
}
