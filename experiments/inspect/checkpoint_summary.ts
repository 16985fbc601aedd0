import { decodeSafetensors, type SafetensorsTensor } from "../../formats/mod.ts";
import { isForTraining } from "../../training/mod.ts";

/** What one tensor of a file holds. */
export interface TensorSummary {
  /** Such as `fc1.weight`. */
  readonly name: string;
  /** How it is stored, such as `F32`. */
  readonly dtype: string;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Count of values. */
  readonly count: number;
  /** Smallest finite value; NaN if there is none. */
  readonly low: number;
  /** Largest finite value; NaN if there is none. */
  readonly high: number;
  /** Values that are 0. */
  readonly zeros: number;
  /** Values that are NaN or infinite. */
  readonly notFinite: number;
  /** Most distinct values in a channel: 2^b or fewer after quantization to b bits. */
  readonly levels: number;
  /** Channels along the first axis; 1 for what has fewer than two axes. */
  readonly channels: number;
  /** Channels that are nothing but 0. */
  readonly deadChannels: number;
  /** Bytes in the file. */
  readonly bytes: number;
}

/** What a checkpoint holds. */
export interface CheckpointSummary {
  /** Tensors of the network, in the order of the file. */
  readonly tensors: readonly TensorSummary[];
  /** Values of them all. */
  readonly parameters: number;
  /** Tensors that only training goes on from: the optimizer's, and weights before they are averaged. */
  readonly training: { readonly tensors: number; readonly bytes: number };
  /** Bytes of the file, header included. */
  readonly bytes: number;
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the numbers of a tensor of any element type; 64-bit integers lose what a double cannot hold.
 *
 * @param tensor As the file holds it.
 * @returns Its values, row-major.
 */
export function numbersOf({ dtype, data }: SafetensorsTensor): ArrayLike<number> {
  switch (dtype) {
    case "F16":
      return new Float16Array(data.buffer, data.byteOffset, data.length);
    case "BF16":
      return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
    case "I64":
    case "U64":
      return Float64Array.from(data, Number);
    default:
      return data;
  }
}

/**
 * Describes one tensor of a file.
 *
 * @param name Of the tensor.
 * @param tensor As the file holds it.
 * @returns Its range, zeros, levels and dead channels.
 */
export function summarizeTensor(name: string, tensor: SafetensorsTensor): TensorSummary {
  const { dtype, shape, data } = tensor;
  const values = numbersOf(tensor);
  const channels = shape.length > 1 ? shape[0] : 1;
  const inner = values.length / channels;
  let [low, high, zeros, notFinite, levels, deadChannels] = [Infinity, -Infinity, 0, 0, 0, 0];
  for (let channel = 0; channel < channels; channel++) {
    const seen = new Set<number>();
    let isDead = inner > 0;
    for (let i = channel * inner; i < (channel + 1) * inner; i++) {
      const value = values[i];
      // a set holds 0 and -0 as one, and NaN once
      seen.add(value);
      if (value === 0) zeros++;
      else isDead = false;
      if (!Number.isFinite(value)) notFinite++;
      else {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (isDead) deadChannels++;
    levels = Math.max(levels, seen.size);
  }
  const hasRange = low <= high;
  return {
    name,
    dtype,
    shape,
    count: values.length,
    low: hasRange ? low : NaN,
    high: hasRange ? high : NaN,
    zeros,
    notFinite,
    levels,
    channels,
    deadChannels,
    bytes: data.byteLength,
  };
}

/**
 * Describes a safetensors file.
 *
 * @param bytes The file.
 * @param label What to call it in an error, such as its path.
 * @returns What it holds, tensor by tensor.
 * @throws {UserError} If the file is cut, too long, or not what its header says.
 */
export function summarizeCheckpoint(bytes: Uint8Array, label: string): CheckpointSummary {
  const { tensors, metadata } = decodeSafetensors(bytes, label);
  const all = [...tensors];
  const network = all.filter(([name]) => !isForTraining(name))
    .map(([name, tensor]) => summarizeTensor(name, tensor));
  const training = all.filter(([name]) => isForTraining(name));
  return {
    tensors: network,
    parameters: network.reduce((sum, { count }) => sum + count, 0),
    training: {
      tensors: training.length,
      bytes: training.reduce((sum, [, { data }]) => sum + data.byteLength, 0),
    },
    bytes: bytes.length,
    metadata,
  };
}
