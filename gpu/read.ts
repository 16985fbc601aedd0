import { bufferOf, type Device } from "./device.ts";
import { formatShape } from "./format.ts";
import type { HostArray, Tensor } from "./tensor.ts";

const ARRAYS = { f32: Float32Array, u32: Uint32Array, i32: Int32Array };

/** A buffer the host can map, kept for the next read of its size. */
const staging = new WeakMap<Device, Map<number, GPUBuffer[]>>();

function takeStaging(device: Device, size: number): GPUBuffer {
  let bySize = staging.get(device);
  if (bySize === undefined) staging.set(device, bySize = new Map());
  return bySize.get(size)?.pop() ?? device.gpu.createBuffer({
    label: "staging",
    size,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
}

function giveStaging(device: Device, buffer: GPUBuffer): void {
  const bySize = staging.get(device)!;
  const free = bySize.get(buffer.size) ?? [];
  bySize.set(buffer.size, free);
  if (free.length < 4) free.push(buffer);
  else buffer.destroy();
}

/**
 * Waits for the GPU and copies tensors back to the host.
 *
 * A wait costs about 11 ms under Deno whatever its size (`mapAsync` is polled), so read rarely and
 * several tensors in one call.
 *
 * @param tensors The tensors, all of one device.
 * @returns Their elements in row-major order, one array a tensor.
 * @throws {GpuValidationError | OutOfMemoryError | ShaderError | DeviceLostError} The first error
 *   of any command since the last wait.
 */
export async function readAll(tensors: readonly Tensor[]): Promise<HostArray[]> {
  if (tensors.length === 0) return [];
  const { device } = tensors[0];
  if (device.recorder !== undefined) {
    throw new TypeError("Cannot read a tensor inside a recording: read it after the replay");
  }
  for (const { shape, storage } of tensors) {
    if (storage.transient) {
      throw new TypeError(
        `Cannot read a tensor of shape ${formatShape(shape)}: its memory is reused inside its ` +
          "program: return it from the recorded step",
      );
    }
  }
  const encoder = device.stream.outsidePass();
  const copies = tensors.map((source) => {
    const bytes = source.size * 4;
    const size = Math.max(16, 2 ** Math.ceil(Math.log2(Math.max(1, bytes))));
    const buffer = takeStaging(device, size);
    if (bytes > 0) {
      encoder.copyBufferToBuffer(bufferOf(source), source.offset * 4, buffer, 0, bytes);
    }
    return { source, buffer, bytes };
  });
  device.flush();
  await device.check();
  await Promise.all(copies.map(({ buffer }) => buffer.mapAsync(GPUMapMode.READ)));
  const arrays = copies.map(({ source, buffer, bytes }) => {
    const array = new ARRAYS[source.dtype](
      buffer.getMappedRange(0, Math.max(4, bytes)).slice(0, bytes),
    );
    buffer.unmap();
    giveStaging(device, buffer);
    return array;
  });
  await device.check();
  return arrays;
}

/**
 * Waits for the GPU and copies one tensor back to the host.
 *
 * @param source The tensor.
 * @returns Its elements in row-major order: `Float32Array`, `Uint32Array` or `Int32Array`.
 * @throws {GpuValidationError | OutOfMemoryError | ShaderError | DeviceLostError} The first error
 *   of any command since the last wait.
 */
export async function read(source: Tensor): Promise<HostArray> {
  return (await readAll([source]))[0];
}
