/**
 * The protocol of a peer process: one JSON object a line, on standard input and output. `main.ts`
 * speaks it for the libraries on WebGPU, `pywavelets.py` and `pytorch.py` for those in Python.
 *
 * On start the process writes a {@link Greeting}. Each line it then reads is a {@link Request}; for
 * each it writes one {@link Answer}, in order, and ends when its input ends. Whatever the libraries
 * print goes to standard error.
 *
 * ```
 * > {"peer":"jax-js","workload":"matmul","params":{"m":512,"n":512,"k":512},"seed":1,"minimumSeconds":1}
 * < {"ok":true,"peer":"jax-js","version":"0.1.25","workload":"matmul","params":{...},"seed":1,
 *    "adapter":"llvmpipe (LLVM 15.0.6, 256 bits)","median_ms":34.9,"p10":34.6,"p90":35.5,
 *    "repetitions":32,"outputs":{"y":{"length":262144,"sum":...,"sumOfSquares":...,
 *    "indices":[0,...],"values":[...]}}}
 * ```
 *
 * The last workload of each peer stays prepared: sending the same request again costs no set-up, so
 * a caller can alternate short samples of the peer with its own. `minimumSeconds: 0` only checks and
 * compiles. A training workload gives its losses from the first `steps` steps after set-up; timing
 * then goes on from there, with the same batch.
 *
 * @module
 */

import { type Params, workloads } from "./workloads.ts";

/** Libraries that `main.ts` measures, and the version of each. */
export const peerVersions = { "jax-js": "0.1.25", "tfjs": "4.22.0" } as const;

/** Name of a library that `main.ts` measures. */
export type LibraryName = keyof typeof peerVersions;

/** Name of a peer in Python, which has a process of its own. */
export type PythonName = "PyTorch" | "PyWavelets";

/** Name of a peer. */
export type PeerName = LibraryName | PythonName;

/** First line of the process. */
export interface Greeting {
  /** Always true: the process reads requests from now on. */
  readonly ready: true;
  /** Libraries and their versions. */
  readonly peers: Readonly<Partial<Record<PeerName, string>>>;
  /** Workloads with the numbers they take. */
  readonly workloads: Readonly<Record<string, Params>>;
}

/** What to measure. */
export interface Request {
  readonly peer: PeerName;
  readonly workload: string;
  /** All numbers of the workload. */
  readonly params: Params;
  /** Of the inputs. */
  readonly seed: number;
  /** How long to measure at least; 0 to only compute the outputs. */
  readonly minimumSeconds: number;
}

/** A part of an array, enough to tell whether two sides computed the same. */
export interface SampledOutput {
  /** Elements of the whole array. */
  readonly length: number;
  /** Sum of all elements, in float64. */
  readonly sum: number;
  /** Sum of the squares of all elements, in float64. */
  readonly sumOfSquares: number;
  /** Places of the sampled elements. */
  readonly indices: readonly number[];
  /** The elements at those places. */
  readonly values: readonly number[];
}

/** A measurement. */
export interface Measurement {
  readonly ok: true;
  readonly peer: PeerName;
  readonly version: string;
  readonly workload: string;
  readonly params: Params;
  readonly seed: number;
  /** The adapter's own description. */
  readonly adapter: string;
  /** Milliseconds of one repetition: median over samples; null if nothing was timed. */
  readonly median_ms: number | null;
  /** 10th percentile over samples, in milliseconds. */
  readonly p10: number | null;
  /** 90th percentile over samples, in milliseconds. */
  readonly p90: number | null;
  /** Repetitions in all samples. */
  readonly repetitions: number;
  /** Outputs by name, in the layout of `workloads.ts`. */
  readonly outputs: Readonly<Record<string, SampledOutput>>;
}

/** What cannot be done: `reason` is one line. */
export interface Failure {
  readonly ok: false;
  /** True if the library itself lacks the operation; false if the request or the run failed. */
  readonly unsupported: boolean;
  /** True if it was killed because it gave no answer: said by who asked, not by the process. */
  readonly hung?: true;
  readonly reason: string;
  readonly peer?: string;
  readonly workload?: string;
}

/** The line that answers a request. */
export type Answer = Measurement | Failure;

/** Thrown by a peer for an operation that its library lacks. */
export class UnsupportedError extends Error {
  override readonly name: string = "UnsupportedError";
}

// deno-lint-ignore no-explicit-any -- what a line holds is checked field by field
function parseObject(line: string): any {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null) return value;
  throw new RangeError(`Cannot read a request: it must be a JSON object: ${line}`);
}

/**
 * Reads a request to `main.ts` and fills in what it leaves out.
 *
 * @param line One JSON object.
 * @returns The request with all numbers of its workload.
 * @throws {RangeError} If a name is not known or a number is not one.
 */
export function parseRequest(line: string): Request & { readonly peer: LibraryName } {
  const { peer, workload: name, params = {}, seed = 1, minimumSeconds = 1 } = parseObject(line);
  if (!Object.hasOwn(peerVersions, peer)) {
    throw new RangeError(
      `Cannot measure a peer: it must be one of ${Object.keys(peerVersions).join(", ")}: ${peer}`,
    );
  }
  if (!Object.hasOwn(workloads, name)) {
    throw new RangeError(
      `Cannot measure a workload: it must be one of ${Object.keys(workloads).join(", ")}: ${name}`,
    );
  }
  const { defaults } = workloads[name];
  for (const [key, value] of [...Object.entries(params), ["seed", seed]]) {
    if (key !== "seed" && !Object.hasOwn(defaults, key)) {
      const known = Object.keys(defaults).join(", ");
      throw new RangeError(`Cannot measure "${name}": params must be of ${known}: ${key}`);
    }
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot measure "${name}": ${key} must be a number: ${value}`);
    }
  }
  if (!(minimumSeconds >= 0 && minimumSeconds <= 600)) {
    throw new RangeError(
      `Cannot measure "${name}": minimumSeconds must be from 0 to 600: ${minimumSeconds}`,
    );
  }
  return { peer, workload: name, params: { ...defaults, ...params }, seed, minimumSeconds };
}

/**
 * Takes a part of an array that is small beside it.
 *
 * @param data The whole output.
 * @param count How many elements to take, evenly spread, the first included.
 * @returns The elements with their places, and two sums over all, in float64.
 */
export function sampleOutput(data: ArrayLike<number>, count: number = 32): SampledOutput {
  let sum = 0, sumOfSquares = 0;
  for (let i = 0; i < data.length; i++) {
    sum += data[i];
    sumOfSquares += data[i] ** 2;
  }
  const taken = Math.min(count, data.length);
  const indices = Array.from({ length: taken }, (_, i) => Math.floor(i * data.length / taken));
  return { length: data.length, sum, sumOfSquares, indices, values: indices.map((i) => data[i]) };
}
