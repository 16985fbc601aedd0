import type { Device } from "./device.ts";

/** Time that one kernel took in a profile. */
export interface ProfileRow {
  /** Such as `matmul.register_tiled.nt`. */
  readonly kernel: string;
  /** How often it ran. */
  readonly dispatches: number;
  /** All its dispatches together, in milliseconds of GPU time. */
  readonly milliseconds: number;
}

const MAX_DISPATCHES = 2048;

/**
 * Times every kernel by the GPU's own clock; each dispatch gets a pass of its own for it.
 *
 * On Mesa's software adapter the clock has a noise floor of 30 to 50 us a dispatch.
 *
 * @param device A device with timestamps.
 * @param work Calls ops and kernels.
 * @returns One row a kernel, the slowest first.
 * @throws {TypeError} If the adapter has no timestamps.
 * @throws {RangeError} If more than 2,048 dispatches are made.
 */
export async function profile(device: Device, work: () => void): Promise<ProfileRow[]> {
  if (!device.info.hasTimestamps) {
    throw new TypeError(`Cannot profile: ${device.info.name} has no timestamp queries`);
  }
  const { gpu, stream } = device;
  const labels: string[] = [];
  const querySet = gpu.createQuerySet({ type: "timestamp", count: 2 * MAX_DISPATCHES });
  stream.flush();
  stream.timestamps = (label) => {
    if (labels.length === MAX_DISPATCHES) {
      throw new RangeError(`Cannot profile more than ${MAX_DISPATCHES} dispatches at once`);
    }
    const index = 2 * labels.length;
    labels.push(label);
    return { querySet, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 };
  };
  try {
    work();
  } finally {
    stream.timestamps = undefined;
  }
  if (labels.length === 0) return [];
  const bytes = 16 * labels.length;
  const resolved = gpu.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const mapped = gpu.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = stream.outsidePass();
  encoder.resolveQuerySet(querySet, 0, 2 * labels.length, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, mapped, 0, bytes);
  stream.flush();
  await mapped.mapAsync(GPUMapMode.READ);
  const ticks = new BigUint64Array(mapped.getMappedRange().slice(0));
  for (const buffer of [resolved, mapped]) buffer.destroy();
  querySet.destroy();
  await device.check();

  const rows = new Map<string, { dispatches: number; milliseconds: number }>();
  labels.forEach((kernel, i) => {
    const row = rows.get(kernel) ?? { dispatches: 0, milliseconds: 0 };
    row.dispatches++;
    row.milliseconds += Number(ticks[2 * i + 1] - ticks[2 * i]) / 1e6;
    rows.set(kernel, row);
  });
  return [...rows].map(([kernel, row]) => ({ kernel, ...row }))
    .toSorted((a, b) => b.milliseconds - a.milliseconds);
}
