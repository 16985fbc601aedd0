import { OutOfMemoryError } from "./errors.ts";
import { formatBytes } from "./format.ts";

/** How much memory a device holds, in bytes. */
export interface MemoryStats {
  /** In tensors that are alive. */
  readonly liveBytes: number;
  /** In buffers that wait in the pool for their next use. */
  readonly pooledBytes: number;
  /** The most that was ever alive at once. */
  readonly peakBytes: number;
  /** Buffers created since the device was opened; constant in a steady loop. */
  readonly buffersCreated: number;
}

/** What a pool needs to know of its device. */
export interface PoolHost {
  /** Where buffers are created. */
  readonly gpu: GPUDevice;
  /** Watches an asynchronous WebGPU error, to be thrown at the next wait. */
  watch(action: string, error: Promise<GPUError | null>): void;
  /** Submits the commands on their way, which may use buffers that wait in the pool. */
  flush(): void;
  /** The most bytes that all live and pooled buffers may have together. */
  readonly memoryLimit: number;
}

const SMALLEST = 256;

/**
 * Rounds a size up to one of four classes an octave, so that freed buffers fit again.
 *
 * @param bytes Size asked for, in bytes.
 * @returns The class, in bytes: at least 256, at most 25 % more than asked.
 */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const octave = 2 ** Math.floor(Math.log2(bytes - 1));
  const step = Math.max(octave / 4, 64);
  return Math.ceil(bytes / step) * step;
}

/**
 * Hands out whole buffers by size class and takes them back for reuse.
 *
 * Never slices of a slab: WebGPU forbids one buffer to be bound `read` and `read_write` in one
 * dispatch, even in disjoint ranges.
 */
export class Pool {
  readonly #host: PoolHost;
  readonly #free = new Map<number, GPUBuffer[]>();
  #live = 0;
  #pooled = 0;
  #peak = 0;
  #created = 0;

  /**
   * Use the pool of a device.
   *
   * @param host The device that buffers are created on.
   */
  constructor(host: PoolHost) {
    this.#host = host;
  }

  /**
   * Takes a buffer from the pool, or creates one.
   *
   * @param bytes At least this many bytes; the content is whatever was there before.
   * @returns A buffer for storage, uniforms and copies.
   * @throws {OutOfMemoryError} If a limit of the adapter or of the pool is exceeded.
   */
  acquire(bytes: number): GPUBuffer {
    const size = sizeClass(bytes);
    const { gpu, memoryLimit } = this.#host;
    const binding = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    if (size > binding) {
      throw new OutOfMemoryError(
        `Cannot allocate ${formatBytes(bytes)}: this adapter binds at most ` +
          `${formatBytes(binding)} in one buffer`,
      );
    }
    let buffer = this.#free.get(size)?.pop();
    if (buffer !== undefined) {
      this.#pooled -= size;
    } else {
      if (this.#live + this.#pooled + size > memoryLimit) this.trim();
      if (this.#live + size > memoryLimit) {
        throw new OutOfMemoryError(
          `Cannot allocate ${formatBytes(bytes)}: ${formatBytes(this.#live)} are in use: ` +
            `the limit is ${formatBytes(memoryLimit)}`,
        );
      }
      gpu.pushErrorScope("out-of-memory");
      buffer = gpu.createBuffer({
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC |
          GPUBufferUsage.COPY_DST,
      });
      this.#host.watch(
        `allocate ${formatBytes(size)} with ${formatBytes(this.#live)} in use`,
        gpu.popErrorScope(),
      );
      this.#created++;
    }
    this.#live += size;
    this.#peak = Math.max(this.#peak, this.#live);
    return buffer;
  }

  /** Takes a buffer back; later dispatches may overwrite it. */
  release(buffer: GPUBuffer): void {
    this.#live -= buffer.size;
    this.#pooled += buffer.size;
    const free = this.#free.get(buffer.size);
    if (free === undefined) this.#free.set(buffer.size, [buffer]);
    else free.push(buffer);
  }

  /** Gives every waiting buffer back to the driver. */
  trim(): void {
    this.#host.flush(); // a command that waits for its submit must not lose its buffers
    for (const buffers of this.#free.values()) {
      for (const buffer of buffers) buffer.destroy();
    }
    this.#free.clear();
    this.#pooled = 0;
  }

  /**
   * How much memory is in use and waiting.
   *
   * @returns Live, pooled and peak bytes.
   */
  stats(): MemoryStats {
    return {
      liveBytes: this.#live,
      pooledBytes: this.#pooled,
      peakBytes: this.#peak,
      buffersCreated: this.#created,
    };
  }
}
