import type { KernelRoom } from "../gpu/mod.ts";
import { reluKernels } from "./relu/relu.ts";

export { casesOf, checkKernel, type CheckResult, formatMismatches } from "./check.ts";
export { pcgHash, randomInteger, randomSource, standardNormal } from "./random_source.ts";
export { reluKernels };

/** Every kernel of the project: what the tests, `verify` and the bench go through. */
export const kernelRooms: readonly KernelRoom[] = [
  reluKernels,
];
