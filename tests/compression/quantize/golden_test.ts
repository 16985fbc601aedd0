import assert from "node:assert/strict";
import { fakeQuantize, type Rounding, uploadGrids } from "../../../autograd/mod.ts";
import {
  type AffineGrid,
  chooseQuantParams,
  quantizeBias,
  type RequantizationKind,
  requantize,
  roundToGrids,
} from "../../../compression/mod.ts";
import { type Device, read, run, tensor } from "../../../gpu/mod.ts";
import {
  integerRescaleKernels,
  integerRescaleParams,
  ROUNDING,
  toFixedPoint,
} from "../../../kernels/mod.ts";
import { testDevice } from "../../support/device.ts";
import { goldenRecords, type StochasticRecord } from "./golden_records.ts";

type GridRecord = Omit<AffineGrid, "kind">;

interface CodesRecord {
  readonly x: readonly number[];
  readonly grid: GridRecord;
  readonly stochastic: StochasticRecord;
  readonly codes: Readonly<Record<Rounding | "stochastic", readonly number[]>>;
}

interface RequantizedRecord extends Pick<AffineGrid, "zeroPoint" | "qMin" | "qMax"> {
  readonly accumulators: readonly number[];
  readonly real: number;
  readonly multiplier: number;
  readonly mantissa: number;
  readonly shift: number;
  readonly float: readonly number[];
  readonly fixedPoint: readonly number[];
}

interface Records {
  readonly grid: GridRecord & {
    readonly low: number;
    readonly high: number;
    readonly bits: number;
  };
  readonly codes: CodesRecord;
  readonly bias: Readonly<Record<"inputScale" | "weightScale", number>> & {
    readonly values: readonly number[];
    readonly codes: readonly number[];
  };
  readonly requantized: RequantizedRecord;
}

const recordsOf = <Kind extends keyof Records>(kind: Kind): Records[Kind][] => goldenRecords(kind);

const wholes = (device: Device, values: readonly number[]) =>
  tensor(device, Int32Array.from(values));

Deno.test("chooseQuantParams() gives the grids of the golden vectors", () => {
  for (const { low, high, bits, scale, inverseScale, zeroPoint, qMin, qMax } of recordsOf("grid")) {
    const { kind: _kind, ...found } = chooseQuantParams({ low, high }, bits);
    const label = `${low} to ${high}, ${bits} bits`;
    assert.deepEqual(
      { ...found, zeroPoint: found.zeroPoint + 0 },
      { scale, inverseScale, zeroPoint, qMin, qMax },
      label,
    );
  }
});

for (const rounding of [...Object.keys(ROUNDING) as Rounding[], "stochastic"] as const) {
  Deno.test(`roundToGrids() and fakeQuantize() give the golden codes, ${rounding}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    for (const { x, grid, stochastic, codes } of recordsOf("codes")) {
      const wanted = codes[rounding];
      const values = Float32Array.from(x);
      const onHost = roundToGrids(
        values,
        [1, x.length],
        [{ kind: "affine", ...grid }],
        rounding === "stochastic" ? { kind: "stochastic", ...stochastic } : rounding,
      );
      assert.deepEqual([...onHost.codes], wanted);
      const uploaded = uploadGrids(
        device,
        [grid],
        x.length,
        rounding === "stochastic"
          ? {
            kind: "stochastic",
            seeds: tensor(device, Uint32Array.of(stochastic.seed)),
            clock: tensor(device, Uint32Array.of(stochastic.step)),
            stream: stochastic.stream,
          }
          : rounding,
      );
      const onGpu = await read(fakeQuantize(tensor(device, values), uploaded));
      const reals = wanted.map((q) => Math.fround((q - grid.zeroPoint) * grid.scale) + 0);
      assert.deepEqual(Array.from(onGpu, (y) => y + 0), reals);
    }
  });
}

Deno.test("the kernel that quantizes to integers gives the golden codes", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const { x, grid, codes } of recordsOf("codes")) {
    const { q } = run(integerRescaleKernels.quantize, {
      x: tensor(device, Float32Array.from(x)),
      inverseScale: tensor(device, Float32Array.of(grid.inverseScale)),
      zeroPoint: wholes(device, [grid.zeroPoint]),
      qMin: wholes(device, [grid.qMin]),
      qMax: wholes(device, [grid.qMax]),
    }, integerRescaleParams({ rows: 1, inner: x.length }));
    assert.deepEqual([...await read(q)], codes.nearestEven);
  }
});

Deno.test("quantizeBias() gives the golden biases", () => {
  for (const { inputScale, weightScale, values, codes } of recordsOf("bias")) {
    const scales = new Float32Array(values.length).fill(weightScale);
    const found = quantizeBias(Float32Array.from(values), inputScale, scales);
    assert.deepEqual([...found].map((q) => q + 0), codes);
  }
});

Deno.test("toFixedPoint() gives the golden multipliers", () => {
  for (const { real, mantissa, shift } of recordsOf("requantized")) {
    assert.deepEqual(toFixedPoint(real), { mantissa, shift }, `${real}`);
  }
});

for (const kind of ["float", "fixedPoint"] as const satisfies RequantizationKind[]) {
  Deno.test(`requantize() and its kernel give the golden codes, ${kind}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    for (const record of recordsOf("requantized")) {
      const { accumulators, multiplier, mantissa, shift, zeroPoint, qMin, qMax } = record;
      const to = {
        multipliers: Float32Array.of(multiplier),
        fixedPoints: [{ mantissa, shift }],
        zeroPoint,
        qMin,
        qMax,
      };
      const label = `${record.real} to ${zeroPoint}`;
      assert.deepEqual(accumulators.map((a) => requantize(a, 0, to, kind)), record[kind], label);
      const { q } = run(integerRescaleKernels[kind === "float" ? "byFloat" : "byFixedPoint"], {
        a: wholes(device, accumulators),
        multiplier: tensor(device, to.multipliers),
        mantissa: wholes(device, [mantissa]),
        shift: wholes(device, [shift]),
        zeroPoint: wholes(device, [zeroPoint]),
        qMin: wholes(device, [qMin]),
        qMax: wholes(device, [qMax]),
      }, integerRescaleParams({ rows: 1, inner: accumulators.length }));
      assert.deepEqual([...await read(q)], record[kind], label);
    }
  });
}
