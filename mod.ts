/**
 * Bitcliff: a compression laboratory for neural networks on hand-written WGSL.
 *
 * Everything between the pixels and the accuracy figure runs on the GPU: kernels with float64
 * references, a tape, models, training, quantizers, wavelets. The same code runs in Deno and in a
 * browser page; experiments, which keep files and draw charts, are `@bitcliff/bitcliff/experiments`.
 *
 * @module
 */
export * from "./gpu/mod.ts";
export * from "./kernels/mod.ts";
export * from "./autograd/mod.ts";
export * from "./models/mod.ts";
export * from "./compression/mod.ts";
export * from "./formats/mod.ts";
export * from "./data/mod.ts";
export * from "./training/mod.ts";
