import type { KernelSpec } from "../../gpu/mod.ts";
import { normalsOrNaN, randomInteger } from "../random_source.ts";

/** Test inputs of fake-quantize kernels: integer grids with 0 in them and room to clip; NaN at times. */
export const generateGrids: NonNullable<KernelSpec<string>["generate"]> = {
  x: normalsOrNaN,
  scale: (random, _p, length) => Array.from({ length }, () => 0.01 + random()),
  inverseScale: (random, _p, length) => Array.from({ length }, () => 1 + 10 * random()),
  zeroPoint: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -3, 3)),
  qMin: (random, _p, length) => Array.from({ length }, () => randomInteger(random, -9, -4)),
  qMax: (random, _p, length) => Array.from({ length }, () => randomInteger(random, 4, 9)),
};
