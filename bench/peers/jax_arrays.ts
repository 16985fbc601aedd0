import { getWebGPUDevice, numpy as np } from "@jax-js/jax";
import type { Input } from "./workloads.ts";

/**
 * Copies an input to the GPU.
 *
 * @param input Shape and numbers.
 * @returns The array.
 */
export function upload({ shape, data }: Input): np.Array {
  return np.array(data).reshape([...shape]);
}

/**
 * Queues on the GPU what an array still waits for.
 *
 * jax-js is lazy, and drops work whose result is freed before anyone asks for it: a loop that only
 * disposes its results measures nothing. Asking for the buffer submits the work without a wait.
 *
 * @param result The array, which is freed.
 */
export function submit(result: np.Array): void {
  result.gpuBufferSync();
}

/**
 * Waits until the GPU has done all submitted work.
 *
 * @returns A promise for that moment.
 */
export function waitForGpu(): Promise<void> {
  return getWebGPUDevice().queue.onSubmittedWorkDone() as Promise<unknown> as Promise<void>;
}
