import { type AdapterDescription, requestAdapter } from "./adapter.ts";
import { DeviceLostError, fromGpuError } from "./errors.ts";
import { formatShape } from "./format.ts";
import { type MemoryStats, Pool } from "./pool.ts";
import type { Recorder } from "./recorder.ts";
import { Scope } from "./scope.ts";
import { CommandStream } from "./stream.ts";
import type { HostArray, Storage, Tensor } from "./tensor.ts";

/** How to open a device. */
export interface DeviceOptions {
  /** Entry to WebGPU; `navigator.gpu` if left out. */
  readonly gpu?: GPU;
  /** The most bytes that tensors may take together; no limit of ours if left out. */
  readonly memoryLimit?: number;
}

/**
 * A GPU, the memory on it, and the commands on their way to it.
 *
 * WebGPU's errors arrive late and in silence; a device collects them all (error scopes, uncaptured
 * errors, the loss of the device) and throws the first at the next {@link Device.synchronize} or
 * read, so that a broken dispatch never passes for a fast one.
 */
export class Device implements Disposable {
  /** WebGPU's own device, for what this class does not wrap. */
  readonly gpu: GPUDevice;
  /** Which adapter it is; part of every result. */
  readonly info: AdapterDescription;
  /** Where buffers come from and go back to. */
  readonly pool: Pool;
  /** The commands on their way to the GPU. */
  readonly stream: CommandStream;
  /** Layout of every parameter block: one uniform buffer with a dynamic offset. */
  readonly paramsLayout: GPUBindGroupLayout;
  /** The program being recorded, if any; dispatches then go there instead of to the stream. */
  recorder: Recorder | undefined;
  readonly #scopes: Scope[] = [];
  readonly #watched = new Set<Promise<void>>();
  /** The first error of a watched call, which says what was being done. */
  #error: Error | undefined;
  /** The first error of any other call; often no more than a consequence. */
  #uncaptured: Error | undefined;
  #lost: DeviceLostError | undefined;
  #closed = false;

  /** Use {@link openDevice}. */
  constructor(gpu: GPUDevice, info: AdapterDescription, memoryLimit: number) {
    this.gpu = gpu;
    this.info = info;
    this.paramsLayout = gpu.createBindGroupLayout({
      entries: [{
        binding: 0,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "uniform", hasDynamicOffset: true },
      }],
    });
    this.stream = new CommandStream(gpu, this.paramsLayout);
    this.pool = new Pool({
      gpu,
      memoryLimit,
      watch: (action, error) => this.watch(action, error),
      flush: () => this.flush(),
    });
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#uncaptured ??= fromGpuError("use the GPU", (event as GPUUncapturedErrorEvent).error);
    });
    gpu.lost.then(({ reason, message }) => {
      if (this.#closed) return;
      this.#lost = new DeviceLostError(
        `Cannot use the GPU: it was lost (${reason}): ${message}`,
      );
    });
  }

  /** True if a processor does the work. */
  get isSoftware(): boolean {
    return this.info.isSoftware;
  }

  /** Opens a scope that owns every tensor made until its closing brace. */
  scope(): Scope {
    const scope = new Scope({
      free: (storage) => this.release(storage),
      leave: (closed) => {
        const index = this.#scopes.lastIndexOf(closed);
        if (index >= 0) this.#scopes.splice(index, 1);
      },
    }, this.#scopes.at(-1));
    this.#scopes.push(scope);
    return scope;
  }

  /** Takes memory for a tensor; the innermost scope owns it. */
  allocate(bytes: number): Storage {
    this.#throwIfGone();
    if (this.recorder !== undefined) return this.recorder.allocate(bytes);
    const storage: Storage = {
      bytes,
      buffer: this.pool.acquire(bytes),
      released: false,
      planned: false,
      transient: false,
    };
    this.#scopes.at(-1)?.own(storage);
    return storage;
  }

  /** Gives the memory of a storage back to the pool; a second call does nothing. */
  release(storage: Storage): void {
    if (storage.released) return;
    storage.released = true;
    for (const scope of this.#scopes) scope.disown(storage);
    if (storage.buffer !== undefined && !storage.planned) this.pool.release(storage.buffer);
  }

  /** Copies numbers from the host into a tensor. */
  upload(target: Tensor, data: HostArray): void {
    if (this.recorder !== undefined) {
      throw new TypeError(
        `Cannot upload a tensor of shape ${formatShape(target.shape)} inside a recording: ` +
          "make it before, so that every replay finds it",
      );
    }
    this.stream.flush(); // a queued dispatch may still read what this buffer held before
    this.gpu.queue.writeBuffer(bufferOf(target), target.offset * 4, data);
  }

  /** Fills a tensor with zero bits. */
  clear(target: Tensor): void {
    if (this.recorder !== undefined) {
      throw new TypeError(
        `Cannot clear a tensor of shape ${formatShape(target.shape)} inside a recording: ` +
          "write it with a kernel instead",
      );
    }
    this.stream.outsidePass().clearBuffer(bufferOf(target), target.offset * 4, target.size * 4);
  }

  /** Submits every queued dispatch without waiting for it. */
  flush(): void {
    this.stream.flush();
  }

  /**
   * Submits every queued dispatch and waits until the GPU has done it.
   *
   * @throws {GpuValidationError | OutOfMemoryError | ShaderError | DeviceLostError} The first
   *   error since the last wait.
   */
  async synchronize(): Promise<void> {
    this.stream.flush();
    await this.gpu.queue.onSubmittedWorkDone();
    await this.check();
  }

  /** Waits for the outcome of every watched call and throws the first error. */
  async check(): Promise<void> {
    while (this.#watched.size > 0) await Promise.all(this.#watched);
    this.#throwIfGone();
    if (this.#error === undefined && this.#uncaptured === undefined) return;
    // what follows from the error is reported one turn later and must not pass for another
    await new Promise((resolve) => setTimeout(resolve));
    const error = this.#error ?? this.#uncaptured;
    this.#error = undefined;
    this.#uncaptured = undefined;
    throw error;
  }

  /** Watches an asynchronous WebGPU outcome, to be thrown at the next wait. */
  watch(action: string, outcome: Promise<GPUError | Error | null>): void {
    const settled = outcome.then((error) => {
      if (error === null) return;
      this.#error ??= error instanceof Error ? error : fromGpuError(action, error);
    }, (cause) => {
      if (!this.#closed) this.#lost ??= new DeviceLostError(`Cannot ${action}: ${cause}`);
    }).finally(() => this.#watched.delete(settled));
    this.#watched.add(settled);
  }

  #throwIfGone(): void {
    if (this.#closed) throw new TypeError("Cannot use a device after it was closed");
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Live, pooled and peak bytes of tensor memory. */
  stats(): MemoryStats {
    return this.pool.stats();
  }

  /** Closes the device and everything on it. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.gpu.destroy();
  }
}

/**
 * The buffer behind a tensor.
 *
 * @param of The tensor.
 * @returns Its buffer, which may be larger than the tensor.
 * @throws {TypeError} If its scope was closed, or it belongs to a program still being recorded.
 */
export function bufferOf(of: Tensor): GPUBuffer {
  const { buffer, released } = of.storage;
  if (released || buffer === undefined) {
    throw new TypeError(
      `Cannot use a tensor of shape ${formatShape(of.shape)}: ` +
        (released ? "its scope was closed" : "it exists only inside the program being recorded"),
    );
  }
  return buffer;
}

/**
 * Opens the GPU.
 *
 * @param options Where to look, and how much memory to use at most.
 * @returns A device; `using device = await openDevice()` closes it at the brace.
 * @throws {AdapterNotFoundError} If there is none, with what to install.
 *
 * @example
 * ```ts
 * import { openDevice, read, tensor } from "@bitcliff/bitcliff";
 * using device = await openDevice();
 * const x = tensor(device, [1, 2, 3]);
 * console.assert((await read(x))[2] === 3);
 * ```
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const { adapter, description } = await requestAdapter(options.gpu);
  const { limits } = adapter;
  const gpu = await adapter.requestDevice({
    requiredFeatures: description.hasTimestamps ? ["timestamp-query"] : [],
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    },
  });
  return new Device(gpu, description, options.memoryLimit ?? Infinity);
}
