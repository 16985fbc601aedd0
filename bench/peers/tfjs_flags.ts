import * as tf from "@tensorflow/tfjs";
import type { Params } from "./workloads.ts";

/** Value of WEBGPU_MATMUL_PROGRAM_TYPE that lets the library choose. */
const AUTOMATIC = -1;
/** Its packed 32 x 32 tile, without a split of the inner dimension. */
const PACKED = 3;
/** Channels below which its fused convolution cannot load four at a time. */
const VECTOR = 4;

/**
 * Sets the switches of TensorFlow.js that make a workload fastest, where its own choice is not.
 *
 * Its choice of matmul program is made for GPUs: on a software adapter the packed program is never
 * slower, and seven times faster at 64 x 784 x 64, where the library splits rows over too many
 * invocations. With one input channel a separate im2col doubles the speed of a convolution there; with
 * more it halves it. On a GPU the library chooses.
 *
 * @param isSoftware True if a processor runs the shaders.
 * @param workload Name of the workload.
 * @param params Its numbers.
 */
export function setFlags(isSoftware: boolean, workload: string, params: Params): void {
  tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", isSoftware ? PACKED : AUTOMATIC);
  tf.env().set(
    "WEBGPU_CONV_SEPARATE_IM2COL_SHADER",
    isSoftware && workload === "conv2d" && params.inputChannels < VECTOR,
  );
}
