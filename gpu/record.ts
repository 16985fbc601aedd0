import type { Device } from "./device.ts";
import { bytesMoved } from "./kernel.ts";
import type { Numbers } from "./kernel_spec.ts";
import { sizeClass } from "./pool.ts";
import { Recorder } from "./recorder.ts";
import { bindTensors, type PreparedRun } from "./run.ts";
import { PARAMS_STRIDE } from "./stream.ts";
import type { Storage, Tensor } from "./tensor.ts";

/** What a recording returns and keeps alive: nothing, tensors, or tensors by name. */
export type Recorded = void | Tensor | Readonly<Record<string, Tensor>>;

/** How a step is captured. */
export interface RecordOptions {
  /**
   * Whether dispatches go that nobody looks at: neither a later one, nor whoever holds what the step
   * returns or writes outside the program. They stay if left out, so that whatever is recorded can be
   * timed.
   */
  readonly dropUnread?: boolean;
}

/** One line of {@link Program.explain}. */
export interface DispatchDescription {
  /** Such as `matmul.register_tiled.nt`. */
  readonly kernel: string;
  /** Shape of every bound tensor, by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Params of the dispatch. */
  readonly params: Numbers;
  /** Workgroups along x, y and z. */
  readonly workgroups: readonly number[];
  /** Floating-point operations. */
  readonly flops: number;
  /** Bytes that it must move at least. */
  readonly bytes: number;
}

/** Steps submitted together: enough to hide a submit, short enough for a GPU's watchdog. */
const STEPS_PER_SUBMIT = 64;

/**
 * A recorded step, replayed without the host touching a tensor.
 *
 * Whatever changes between replays must live in a tensor: a batch cursor, a step number, a
 * learning rate, a random key.
 */
export class Program<Result extends Recorded = Recorded> implements Disposable {
  /** Where it runs. */
  readonly device: Device;
  /** What the recording returned; holds the values of the last replay. */
  readonly result: Result;
  readonly #runs: readonly PreparedRun[];
  readonly #buffers: readonly GPUBuffer[];
  readonly #storages: readonly Storage[];
  readonly #params: GPUBuffer;
  readonly #paramsGroup: GPUBindGroup;
  readonly #groups: readonly GPUBindGroup[];
  #disposed = false;

  /** Use {@link record}. */
  constructor(device: Device, recorder: Recorder, result: Result, kept: ReadonlySet<Storage>) {
    this.device = device;
    this.result = result;
    this.#runs = recorder.runs;
    for (const storage of kept) storage.transient = false;
    const lifetimes = recorder.lifetimes(kept);
    this.#storages = lifetimes.map(({ storage }) => storage);
    this.#buffers = planMemory(device, lifetimes, recorder.runs.length);
    this.#groups = this.#runs.map((prepared) => bindTensors(device, prepared));
    const blocks = new Uint8Array(Math.max(1, this.#runs.length) * PARAMS_STRIDE);
    this.#runs.forEach(({ block }, i) => blocks.set(new Uint8Array(block), i * PARAMS_STRIDE));
    this.#params = device.gpu.createBuffer({
      label: "program params",
      size: blocks.length,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    device.gpu.queue.writeBuffer(this.#params, 0, blocks);
    this.#paramsGroup = device.gpu.createBindGroup({
      layout: device.paramsLayout,
      entries: [{ binding: 0, resource: { buffer: this.#params, size: PARAMS_STRIDE } }],
    });
  }

  /**
   * Replays the step.
   *
   * @param times How often.
   * @param stepsPerSubmit How many replays share one submit and one pass.
   * @throws {TypeError} If the program was disposed, or a tensor it uses was released.
   */
  run(times = 1, stepsPerSubmit: number = STEPS_PER_SUBMIT): void {
    this.#checkAlive();
    const { gpu, stream } = this.device;
    stream.flush();
    for (let done = 0; done < times; done += stepsPerSubmit) {
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let step = done; step < Math.min(times, done + stepsPerSubmit); step++) {
        this.#encode(pass);
      }
      pass.end();
      gpu.queue.submit([encoder.finish()]);
    }
  }

  #encode(pass: GPUComputePassEncoder): void {
    this.#runs.forEach(({ compiled, grid }, i) => {
      pass.setPipeline(compiled.pipeline);
      pass.setBindGroup(0, this.#groups[i]);
      pass.setBindGroup(1, this.#paramsGroup, [i * PARAMS_STRIDE]);
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
    });
  }

  #checkAlive(): void {
    if (this.#disposed) throw new TypeError("Cannot replay a program after it was disposed");
    for (const { kernel, tensors } of this.#runs) {
      for (const { name } of kernel.bindings) {
        if (tensors[name].storage.released) {
          throw new TypeError(
            `Cannot replay kernel "${kernel.label}": the scope of "${name}" was closed`,
          );
        }
      }
    }
  }

  /**
   * Lists every dispatch of the step.
   *
   * @returns Kernel, shapes, workgroups, operations and bytes, in order.
   */
  explain(): DispatchDescription[] {
    return this.#runs.map(({ kernel, params, constants, grid, tensors }) => ({
      kernel: kernel.label,
      shapes: Object.fromEntries(
        kernel.bindings.map(({ name }) => [name, tensors[name].shape]),
      ),
      params,
      workgroups: grid,
      flops: kernel.spec.flops(params, constants),
      bytes: bytesMoved(kernel, params, constants),
    }));
  }

  /** Gives the program's memory back. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const storage of this.#storages) storage.released = true;
    for (const buffer of this.#buffers) this.device.pool.release(buffer);
    this.#params.destroy();
  }
}

/**
 * Gives every planned storage a buffer, reusing one as soon as its last reader is done.
 *
 * Greedy over the dispatches in order, by size class: the outputs of a dispatch are placed before
 * the memory it reads for the last time is freed, so no dispatch reads what it writes.
 */
function planMemory(
  device: Device,
  lifetimes: readonly { storage: Storage; first: number; last: number }[],
  dispatches: number,
): GPUBuffer[] {
  const buffers: GPUBuffer[] = [];
  const free = new Map<number, GPUBuffer[]>();
  for (let index = 0; index < dispatches; index++) {
    for (const { storage } of lifetimes.filter(({ first }) => first === index)) {
      let buffer = free.get(sizeClass(storage.bytes))?.pop();
      if (buffer === undefined) buffers.push(buffer = device.pool.acquire(storage.bytes));
      storage.buffer = buffer;
    }
    for (const { storage } of lifetimes.filter(({ last }) => last === index)) {
      const size = sizeClass(storage.bytes);
      free.set(size, [...free.get(size) ?? [], storage.buffer!]);
    }
  }
  return buffers;
}

function storagesOf(result: Recorded): Set<Storage> {
  if (result === undefined) return new Set();
  const tensors = "storage" in result && "dtype" in result
    ? [result as Tensor]
    : Object.values(result as Record<string, Tensor>);
  return new Set(tensors.map(({ storage }) => storage));
}

/**
 * Captures a step once, to be replayed as often as wanted in one pass with planned memory.
 *
 * Nothing runs while it is captured. Tensors made inside exist only in the program and share
 * memory where their lifetimes allow; those that `step` returns keep theirs.
 *
 * @param device The device.
 * @param step Calls ops and kernels; may not upload or read.
 * @param options Whether to drop what nobody reads.
 * @returns The program, to be disposed when it is no longer needed.
 * @throws {TypeError} If a recording is already open, or the step uploads, reads or clears.
 */
export function record<Result extends Recorded>(
  device: Device,
  step: () => Result,
  options: RecordOptions = {},
): Program<Result> {
  if (device.recorder !== undefined) {
    throw new TypeError("Cannot record: another program is being recorded on this device");
  }
  const recorder = new Recorder();
  device.recorder = recorder;
  let result: Result;
  try {
    result = step();
  } finally {
    device.recorder = undefined;
  }
  const kept = storagesOf(result);
  if (options.dropUnread) recorder.dropUnread(kept);
  return new Program(device, recorder, result, kept);
}
