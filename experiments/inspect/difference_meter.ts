import type { Reach } from "../../compression/mod.ts";
import {
  type Device,
  type Kernel,
  type Numbers,
  readAll,
  run,
  type Scope,
  type Tensor,
  zeros,
} from "../../gpu/mod.ts";
import { chooseDifferenceSlots, differenceKernels, differenceParams } from "../../kernels/mod.ts";
import {
  type ChannelSums,
  differenceOf,
  noSums,
  type TensorDifference,
} from "./tensor_difference.ts";

/** Compares activations of two networks where they are, batch by batch. */
export interface DifferenceMeter {
  /**
   * Adds a batch to what is known of a place.
   *
   * @param batch The innermost scope; the one around it keeps the sums.
   * @param place Any name.
   * @param a Of one network, `[1, rows, channels, ...]`.
   * @param b Of the other, of the same shape.
   */
  compare(batch: Scope, place: string, a: Tensor, b: Tensor): void;
  /**
   * Counts the values of a batch that a grid will clip.
   *
   * @param batch The innermost scope; the one around it keeps the counts.
   * @param place A name that `compare` is given too.
   * @param x What is about to be quantized, `[1, rows, channels, ...]`.
   * @param reach Of the grid.
   */
  clip(batch: Scope, place: string, x: Tensor, reach: Reach): void;
  /**
   * Waits for the GPU and reads the sums; nothing else is ever copied to the host.
   *
   * @returns The differences by place, in the order in which they were first seen.
   */
  read(): Promise<Map<string, TensorDifference>>;
}

/** What a kernel has added up over the batches of a place. */
interface Slots {
  readonly params: Numbers;
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Values seen. */
  values: number;
}

/** Channels are the third axis, whatever networks, rows and the axes behind them are. */
function slotParams(x: Tensor): Numbers {
  const [networks, rows, channels] = x.shape;
  const shape = { rows: networks * rows, channels, plane: x.size / (networks * rows * channels) };
  return differenceParams(shape, chooseDifferenceSlots(x.device));
}

function makeSlots(device: Device, batch: Scope, kernel: Kernel, params: Numbers): Slots {
  const { groups, channels, lanes } = params;
  const tensors = Object.fromEntries(
    kernel.bindings.filter(({ written }) => written).map(({ name, element }) => [
      name,
      batch.keep(zeros(device, [groups, channels, lanes], element)),
    ]),
  );
  return { params, tensors, values: 0 };
}

/** Runs a kernel on a batch, into the slots of its place. */
function addBatch(
  all: Map<string, Slots>,
  batch: Scope,
  place: string,
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  range: Partial<Reach>,
): void {
  const [x] = Object.values(inputs);
  const own = slotParams(x);
  const slots = all.get(place) ?? makeSlots(x.device, batch, kernel, own);
  all.set(place, slots);
  // the last batch may be shorter, but its slots are those of the first
  const params = { ...slots.params, ...range, rows: own.rows };
  const constants = { FOURS: own.plane % 4 === 0 ? 1 : 0 };
  run(kernel, { ...inputs, ...slots.tensors }, params, { constants });
  slots.values += x.size;
}

/** Adds the slots of every channel up in float64. */
function channelSums(
  { groups, channels, lanes }: Numbers,
  { signal, noise, largest, peakA, peakB }: Readonly<Record<string, ArrayLike<number>>>,
): ChannelSums[] {
  const sums = Array.from({ length: channels }, noSums);
  for (let slot = 0; slot < groups * channels * lanes; slot++) {
    const own = sums[Math.floor(slot / lanes) % channels];
    own.signal += signal[slot];
    own.noise += noise[slot];
    own.largest = Math.max(own.largest, largest[slot]);
    own.peakA = Math.max(own.peakA, peakA[slot]);
    own.peakB = Math.max(own.peakB, peakB[slot]);
  }
  return sums;
}

/**
 * Makes a meter that compares activations on the GPU.
 *
 * @returns A meter that knows nothing yet.
 */
export function differenceMeter(): DifferenceMeter {
  const compared = new Map<string, Slots>();
  const clipped = new Map<string, Slots>();
  return {
    compare(batch, place, a, b) {
      addBatch(compared, batch, place, differenceKernels.compare, { a, b }, {});
    },
    clip(batch, place, x, reach) {
      addBatch(clipped, batch, place, differenceKernels.outside, { x }, reach);
    },
    async read() {
      const all = [...compared.values(), ...clipped.values()];
      const arrays = await readAll(all.flatMap(({ tensors }) => Object.values(tensors)));
      const found = new Map(all.map((slots) => [
        slots,
        Object.fromEntries(Object.keys(slots.tensors).map((name) => [name, arrays.shift()!])),
      ]));
      const shareOf = (slots: Slots | undefined): number | undefined =>
        slots && Array.from(found.get(slots)!.count).reduce((a, b) => a + b, 0) / slots.values;
      return new Map(
        [...compared].map(([place, slots]) => [
          place,
          differenceOf(channelSums(slots.params, found.get(slots)!), shareOf(clipped.get(place))),
        ]),
      );
    },
  };
}
