import type { Inputs, Params } from "./workloads.ts";

/** Work that a peer has prepared: its inputs are on the GPU and its shaders are compiled. */
export interface Prepared {
  /** Submits as many repetitions as it is told, without a wait. */
  readonly submit: (times: number) => void;
  /** Ends when all submitted work is done on the GPU. */
  readonly wait: () => Promise<void>;
  /** Reads the outputs, in the layout of `workloads.ts`. */
  readonly outputs: () => Promise<Readonly<Record<string, ArrayLike<number>>>>;
  /** Frees what it holds. */
  readonly dispose: () => void;
}

/** A library that is ready to prepare work on its WebGPU device. */
export interface Peer {
  /** The adapter's own description. */
  readonly adapter: string;
  /** Its device, to listen to the errors that the library would only print. */
  readonly device: GPUDevice;
  /** Puts a workload's inputs on the GPU; shaders compile at the first repetition. */
  readonly prepare: (workload: string, params: Params, inputs: Inputs) => Promise<Prepared>;
}
