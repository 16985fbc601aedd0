import type { KernelRoom } from "../gpu/mod.ts";
import { bitScheduleKernels } from "./bit_schedule/bit_schedule.ts";
import { distillationKernels } from "./distillation/distillation.ts";
import { dorefaKernels } from "./dorefa/dorefa.ts";
import { dynamicGridKernels } from "./dynamic_grid/dynamic_grid.ts";
import { lsqKernels } from "./lsq/lsq.ts";
import { magnitudeLevelsKernels } from "./magnitude_levels/magnitude_levels.ts";

export {
  bitScheduleKernels,
  distillationKernels,
  dorefaKernels,
  dynamicGridKernels,
  lsqKernels,
  magnitudeLevelsKernels,
};
export { dynamicGridParams, type DynamicGridShape } from "./dynamic_grid/dynamic_grid.ts";
export { lsqParams, type LsqShape } from "./lsq/lsq.ts";
export { LEARNED_LEVELS } from "./lsq/reference.ts";

/** Kernels that train networks under quantization. */
export const quantizationAwareRooms: readonly KernelRoom[] = [
  bitScheduleKernels,
  distillationKernels,
  dorefaKernels,
  dynamicGridKernels,
  lsqKernels,
  magnitudeLevelsKernels,
];
