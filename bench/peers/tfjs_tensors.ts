import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { permute } from "./permute.ts";
import type { Input } from "./workloads.ts";

/** Orders of axes that TensorFlow.js is made for, and the ways back. */
export const NCHW_TO_NHWC = [0, 2, 3, 1] as const;
export const NHWC_TO_NCHW = [0, 3, 1, 2] as const;
export const OIHW_TO_HWIO = [2, 3, 1, 0] as const;
export const HWIO_TO_OIHW = [3, 2, 0, 1] as const;

/** The WebGPU backend, once it is set. */
export function webgpuBackend(): WebGPUBackend {
  return tf.backend() as unknown as WebGPUBackend;
}

/**
 * Makes a tensor; the backend copies it to the GPU when it is first used.
 *
 * @param input Shape and numbers.
 * @param order Axes of the tensor; the input's own if left out.
 * @returns The tensor.
 */
export function upload({ shape, data }: Input, order?: readonly number[]): tf.Tensor {
  if (order === undefined) return tf.tensor(data, [...shape], "float32");
  return tf.tensor(permute(data, shape, order), order.map((axis) => shape[axis]), "float32");
}

/**
 * Submits what the backend has encoded, and waits until the GPU has done it.
 *
 * @returns A promise for that moment.
 */
export async function waitForGpu(): Promise<void> {
  const backend = webgpuBackend();
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.device.queue.onSubmittedWorkDone();
}
