import type { KernelRoom } from "../gpu/mod.ts";
import { integerConv2dKernels } from "./integer_conv2d/integer_conv2d.ts";
import { integerLinearKernels } from "./integer_linear/integer_linear.ts";
import { integerMaxPoolKernels } from "./integer_max_pool/integer_max_pool.ts";
import { integerPlaneSumKernels } from "./integer_plane_sum/integer_plane_sum.ts";
import { integerRescaleKernels } from "./integer_rescale/integer_rescale.ts";
import { integerShortcutKernels } from "./integer_shortcut/integer_shortcut.ts";

export {
  integerConv2dKernels,
  integerLinearKernels,
  integerMaxPoolKernels,
  integerPlaneSumKernels,
  integerRescaleKernels,
  integerShortcutKernels,
};
export { integerShortcutParams } from "./integer_shortcut/integer_shortcut.ts";
export {
  chooseIntegerLinear,
  integerLinearParams,
  type IntegerLinearShape,
} from "./integer_linear/integer_linear.ts";
export {
  divideByPowerOfTwo,
  type FixedPoint,
  highMultiply,
  multiplyByFixedPoint,
  toFixedPoint,
} from "./integer_rescale/fixed_point.ts";
export {
  type IntegerRescaleEntry,
  integerRescaleParams,
  type IntegerRescaleShape,
} from "./integer_rescale/integer_rescale.ts";

/** The kernels of integer inference. */
export const integerRooms: readonly KernelRoom[] = [
  integerConv2dKernels,
  integerLinearKernels,
  integerMaxPoolKernels,
  integerPlaneSumKernels,
  integerRescaleKernels,
  integerShortcutKernels,
];
