export { type AdapterDescription } from "./adapter.ts";
export { bufferOf, Device, type DeviceOptions, openDevice } from "./device.ts";
export {
  AdapterNotFoundError,
  DeviceLostError,
  GpuValidationError,
  OutOfMemoryError,
  ShaderError,
} from "./errors.ts";
export { formatAdapterName, formatBytes, formatShape } from "./format.ts";
export { type Grid, linearGrid } from "./grid.ts";
export {
  bytesMoved,
  defineKernels,
  type Kernel,
  type KernelFamily,
  type KernelRoom,
  type Kernels,
} from "./kernel.ts";
export type {
  EntrySpec,
  GradientSpec,
  KernelCase,
  KernelSpec,
  Numbers,
  RandomSource,
  ReferenceInputs,
  Tolerance,
} from "./kernel_spec.ts";
export { type MemoryStats, Pool, type PoolHost } from "./pool.ts";
export { Recorder } from "./recorder.ts";
export { profile, type ProfileRow } from "./profile.ts";
export { read, readAll } from "./read.ts";
export {
  type DispatchDescription,
  Program,
  record,
  type Recorded,
  type RecordOptions,
} from "./record.ts";
export { type PreparedRun, run, type RunOptions } from "./run.ts";
export { Scope, type ScopeHost } from "./scope.ts";
export { CommandStream, type Dispatch, type TimestampSource } from "./stream.ts";
export {
  BINDING_ALIGNMENT,
  type DType,
  empty,
  type HostArray,
  reshape,
  sizeOf,
  slice,
  type Storage,
  type Tensor,
  tensor,
  write,
  zeros,
} from "./tensor.ts";
export { parseWgsl, type ScalarType, type WgslBinding, type WgslModule } from "./wgsl.ts";
export { measureRoofline, type Roofline, rooflineKernels } from "./roofline/roofline.ts";
export { timeBatches, timeRepeatedly, type Timing } from "./timing.ts";
export type { CompiledKernel } from "./pipeline.ts";
