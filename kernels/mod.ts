import type { KernelRoom } from "../gpu/mod.ts";
import { adamKernels } from "./adam/adam.ts";
import { fakeQuantizeKernels } from "./fake_quantize/fake_quantize.ts";
import { gatherKernels } from "./gather/gather.ts";
import {
  chooseMatmul,
  naiveMatmulKernels,
  registerMatmulKernels,
  workgroupMatmulKernels,
} from "./matmul/matmul.ts";
import { randomKernels } from "./random/random.ts";
import { reluKernels } from "./relu/relu.ts";
import { sampleBatchKernels } from "./sample_batch/sample_batch.ts";
import { sgdKernels } from "./sgd/sgd.ts";
import { trainingClockKernels } from "./training_clock/training_clock.ts";

export { casesOf, checkKernel, type CheckResult, formatMismatches, makeInputs } from "./check.ts";
export {
  pcgHash,
  randomInteger,
  randomSource,
  standardNormal,
  streamKey,
  uniformAt,
} from "./random_source.ts";
export {
  adamKernels,
  chooseMatmul,
  fakeQuantizeKernels,
  gatherKernels,
  naiveMatmulKernels,
  randomKernels,
  registerMatmulKernels,
  reluKernels,
  sampleBatchKernels,
  sgdKernels,
  trainingClockKernels,
  workgroupMatmulKernels,
};
export { channelMode, ROUNDING } from "./fake_quantize/fake_quantize.ts";
export { permutationBits, permutedIndex } from "./sample_batch/permutation.ts";
export { roundHalfEven } from "./rounding.ts";

/** Every kernel of the project: what the tests, `verify` and the bench go through. */
export const kernelRooms: readonly KernelRoom[] = [
  adamKernels,
  fakeQuantizeKernels,
  gatherKernels,
  naiveMatmulKernels,
  randomKernels,
  registerMatmulKernels,
  workgroupMatmulKernels,
  reluKernels,
  sampleBatchKernels,
  sgdKernels,
  trainingClockKernels,
];
