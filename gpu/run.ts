import { bufferOf, type Device } from "./device.ts";
import { formatShape } from "./format.ts";
import { checkGrid, type Grid } from "./grid.ts";
import { type Kernel, packParams } from "./kernel.ts";
import type { Numbers } from "./kernel_spec.ts";
import { compiled, type CompiledKernel } from "./pipeline.ts";
import { empty, type Tensor } from "./tensor.ts";

/** lavapipe stops all loops of an invocation after 65,535 iterations, silently. */
const MAX_LOOP_ITERATIONS = 60_000;

/** How to run a kernel, beyond its inputs and params. */
export interface RunOptions {
  /** Overrides that differ from their defaults. */
  readonly constants?: Numbers;
  /** Tensors to write into, instead of new ones. */
  readonly into?: Readonly<Record<string, Tensor>>;
  /** Where to run a kernel that reads nothing. */
  readonly device?: Device;
}

/** A dispatch whose tensors may not have buffers yet. */
export interface PreparedRun {
  /** What runs. */
  readonly kernel: Kernel;
  /** Its params by name. */
  readonly params: Numbers;
  /** All its constants, defaults included. */
  readonly constants: Numbers;
  /** The params as the shader's `struct Params` lays them out. */
  readonly block: ArrayBuffer;
  /** Workgroups along x, y and z. */
  readonly grid: Grid;
  /** Its pipeline and the layout of its tensors. */
  readonly compiled: CompiledKernel;
  /** Every bound tensor by name. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

function checkTensor(
  kernel: Kernel,
  name: string,
  given: Tensor | undefined,
  length: number,
  dtype: string,
): void {
  const fail = (why: string): never => {
    throw new RangeError(`Cannot run kernel "${kernel.label}": ${why}`);
  };
  if (given === undefined) return fail(`"${name}" must be given: it is missing`);
  if (given.size !== length) {
    fail(`"${name}" must have ${length} elements, current shape is ${formatShape(given.shape)}`);
  }
  if (given.dtype !== dtype) fail(`"${name}" must be ${dtype}: it is ${given.dtype}`);
  if (given.storage.transient && given.device.recorder === undefined) {
    fail(`"${name}" must outlive its program: return it from the recorded step`);
  }
  if (given.storage.released) fail(`"${name}" must be alive: its scope was closed`);
}

/** True if two tensors of one storage have a byte in common. */
function overlap(a: Tensor, b: Tensor): boolean {
  return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

/** WebGPU refuses a buffer both read and written in one dispatch, and writes that overlap. */
function checkAliasing(kernel: Kernel, tensors: Readonly<Record<string, Tensor>>): void {
  for (const one of kernel.bindings.filter(({ written }) => written)) {
    const target = tensors[one.name];
    for (const other of kernel.bindings) {
      const bound = tensors[other.name];
      if (other === one || bound.storage !== target.storage) continue;
      if (other.written && !overlap(bound, target)) continue;
      throw new TypeError(
        `Cannot run kernel "${kernel.label}": "${one.name}" is written and must not share memory ` +
          `with "${other.name}"`,
      );
    }
  }
}

/**
 * Binds the tensors of a dispatch.
 *
 * @param device Where it runs.
 * @param prepared The dispatch, all of whose tensors have buffers.
 * @returns Group 0.
 */
export function bindTensors(device: Device, prepared: PreparedRun): GPUBindGroup {
  const { kernel, tensors, compiled: { layout } } = prepared;
  device.gpu.pushErrorScope("validation");
  const group = device.gpu.createBindGroup({
    label: kernel.label,
    layout,
    entries: kernel.bindings.map(({ name, binding }) => {
      const bound = tensors[name];
      return {
        binding,
        resource: {
          buffer: bufferOf(bound),
          offset: bound.offset * 4,
          size: Math.max(16, Math.ceil(bound.size / 4) * 16),
        },
      };
    }),
  });
  device.watch(`bind the tensors of kernel "${kernel.label}"`, device.gpu.popErrorScope());
  return group;
}

/**
 * Runs a kernel: checks its tensors, makes its outputs and appends it to the open pass, or to the
 * program being recorded.
 *
 * @param kernel An entry point from `defineKernels`.
 * @param inputs Every tensor that it reads or updates, by the shader's names.
 * @param params Every param, by the shader's names.
 * @param options Constants, tensors to write into, device.
 * @returns The tensors that it writes, by name, as long as the family's `lengths` say, flat unless
 *   given by `options.into`.
 * @throws {RangeError} If a tensor or param is missing or does not fit, with what was wanted.
 * @throws {TypeError} If a written tensor shares memory with another one.
 */
export function run(
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  params: Numbers,
  options: RunOptions = {},
): Record<string, Tensor> {
  const { family, spec, label } = kernel;
  const device = options.device ?? Object.values(inputs)[0]?.device ??
    Object.values(options.into ?? {})[0]?.device;
  if (device === undefined) {
    throw new TypeError(
      `Cannot run kernel "${label}": it reads nothing, so a device must be given`,
    );
  }
  for (const name of Object.keys(options.constants ?? {})) {
    if (family.constants?.[name] === undefined) {
      throw new RangeError(`Cannot run kernel "${label}": it has no constant "${name}"`);
    }
  }
  for (const name of Object.keys(options.into ?? {})) {
    if (!spec.writes.includes(name)) {
      throw new RangeError(`Cannot run kernel "${label}": it writes no "${name}"`);
    }
  }
  const constants = { ...family.constants, ...options.constants };
  const lengths = family.lengths(params, constants);
  const grid = (spec.workgroups ?? family.workgroups)(params, constants);
  checkGrid(label, grid);
  const iterations = spec.loopIterations?.(params, constants) ?? 0;
  if (iterations > MAX_LOOP_ITERATIONS) {
    throw new RangeError(
      `Cannot run kernel "${label}": an invocation may loop ${MAX_LOOP_ITERATIONS} times ` +
        `at most: it would ${iterations} times`,
    );
  }
  const tensors: Record<string, Tensor> = {};
  const outputs: Record<string, Tensor> = {};
  for (const { name, element } of kernel.bindings) {
    const isOutput = spec.writes.includes(name);
    const bound = isOutput
      ? options.into?.[name] ?? empty(device, [lengths[name]], element)
      : inputs[name];
    checkTensor(kernel, name, bound, lengths[name], element);
    tensors[name] = bound;
    if (isOutput) outputs[name] = bound;
  }
  checkAliasing(kernel, tensors);
  if (grid.includes(0)) return outputs;
  const prepared: PreparedRun = {
    kernel,
    params,
    constants,
    block: packParams(label, family.params, params),
    grid,
    compiled: compiled(device, kernel, constants),
    tensors,
  };
  if (device.recorder !== undefined) {
    device.recorder.add(prepared);
  } else {
    device.stream.dispatch({
      label,
      pipeline: prepared.compiled.pipeline,
      tensors: bindTensors(device, prepared),
      params: prepared.block,
      grid,
    });
  }
  return outputs;
}
