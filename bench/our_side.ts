import { type Device, readAll, record, type Tensor } from "../gpu/mod.ts";
import type { Inputs, Params } from "./peers/workloads.ts";

/** Work of ours that is ready to be repeated, as the peers have theirs. */
export interface OurWork {
  /** Submits as many repetitions as it is told, without a wait. */
  readonly repeat: (times: number) => void;
  /** Computes and reads the outputs, in the layout of `peers/workloads.ts`; called before timing. */
  readonly outputs: () => Promise<Readonly<Record<string, ArrayLike<number>>>>;
  /** How many times a repetition does the workload at once; 1 if left out. */
  readonly variants?: number;
}

/** Puts the inputs of a workload on the GPU and records its work; the caller's scope owns it. */
export type Prepare = (device: Device, params: Params, inputs: Inputs) => OurWork;

/**
 * Records an operation that has one output.
 *
 * @param device Where to run.
 * @param name Name of the output in `peers/workloads.ts`.
 * @param operation The operation.
 * @returns The work.
 */
export function recordedWork(device: Device, name: string, operation: () => Tensor): OurWork {
  return recordedOutputs(device, () => ({ [name]: operation() }));
}

/**
 * Records an operation that has several outputs.
 *
 * @param device Where to run.
 * @param operation The operation; its outputs by their names in `peers/workloads.ts`.
 * @returns The work.
 */
export function recordedOutputs(
  device: Device,
  operation: () => Readonly<Record<string, Tensor>>,
): OurWork {
  const program = record(device, operation);
  return {
    repeat: (times) => program.run(times),
    outputs: async () => {
      program.run();
      const names = Object.keys(program.result);
      const arrays = await readAll(Object.values(program.result));
      return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
    },
  };
}
