import assert from "node:assert/strict";
import {
  integerShortcut,
  requantization,
  type RequantizationKind,
  requantize,
  rescale,
  type Rescaling,
} from "../../../compression/mod.ts";
import { read, run, tensor } from "../../../gpu/mod.ts";
import {
  integerPlaneSumKernels,
  integerRescaleKernels,
  integerRescaleParams,
  integerShortcutKernels,
  integerShortcutParams,
} from "../../../kernels/mod.ts";
import { testDevice } from "../../support/device.ts";
import { goldenRecords } from "./golden_records.ts";

interface ShortcutRecord extends Record<RequantizationKind, number[]> {
  readonly codeScale: number;
  readonly inputScale: number;
  readonly weightScale: number;
  readonly zeroPoint: number;
  readonly codes: number[];
  readonly accumulators: number[];
}

interface MeanRecord extends Record<RequantizationKind, number[]> {
  readonly inputScale: number;
  readonly weightScale: number;
  readonly outputScale: number;
  readonly positions: number;
  readonly relu: boolean;
  readonly zeroPoint: number;
  readonly qMin: number;
  readonly qMax: number;
  readonly accumulators: number[][];
  readonly sums: number[];
}

const gridOf = (scale: number, zeroPoint: number, qMin: number, qMax: number) => ({
  kind: "affine" as const,
  scale,
  inverseScale: Math.fround(1 / scale),
  zeroPoint,
  qMin,
  qMax,
});

const fixedPointsOf = ({ fixedPoints: [{ mantissa, shift }] }: Rescaling) => ({ mantissa, shift });

for (const kind of ["float", "fixedPoint"] as const satisfies RequantizationKind[]) {
  Deno.test(`integerShortcut() and its kernels give the golden sums, ${kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const wholes = (values: readonly number[]) => tensor(device, Int32Array.from(values));
    for (const record of goldenRecords<ShortcutRecord>("shortcut")) {
      const { codeScale, inputScale, weightScale, zeroPoint, codes, accumulators } = record;
      const grid = gridOf(codeScale, zeroPoint, -128, 127);
      const source = { from: "conv1", grid, channels: 1 };
      const shortcut = integerShortcut(source, Float64Array.of(inputScale * weightScale), "conv2");
      const onHost = accumulators.map((a, i) =>
        a + rescale(codes[i] - zeroPoint, 0, shortcut, kind)
      );
      assert.deepEqual(onHost, record[kind]);
      const { mantissa, shift } = fixedPointsOf(shortcut);
      const sizes = { images: 1, inChannels: 1, outChannels: 1, inHeight: 2, inWidth: 4 };
      const steps = run(integerShortcutKernels.forward, {
        x: wholes(codes),
        xZero: wholes([zeroPoint]),
      }, integerShortcutParams(sizes));
      const { sum } = run(
        integerRescaleKernels[kind === "float" ? "addByFloat" : "addByFixedPoint"],
        {
          a: wholes(accumulators),
          b: steps.y,
          multiplier: tensor(device, shortcut.multipliers),
          mantissa: wholes([mantissa]),
          shift: wholes([shift]),
        },
        integerRescaleParams({ rows: 1, inner: codes.length }),
      );
      assert.deepEqual([...await read(sum)], record[kind]);
    }
  });

  Deno.test(`sums over positions and requantize() give the golden codes of means, ${kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    for (const record of goldenRecords<MeanRecord>("mean")) {
      const { inputScale, weightScale, outputScale, positions, relu, accumulators } = record;
      const unit = Float64Array.of(inputScale * weightScale / positions);
      const grid = gridOf(outputScale, record.zeroPoint, 0, 255);
      const to = requantization(unit, grid, relu);
      assert.deepEqual([to.qMin, to.qMax], [record.qMin, record.qMax]);
      assert.deepEqual(record.sums.map((a) => requantize(a, 0, to, kind)), record[kind]);
      const { y } = run(
        integerPlaneSumKernels.forward,
        { x: tensor(device, Int32Array.from(accumulators.flat())) },
        { planes: accumulators.length, size: positions, rectified: +relu },
      );
      assert.deepEqual([...await read(y)], record.sums);
    }
  });
}
