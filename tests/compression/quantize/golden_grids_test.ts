import assert from "node:assert/strict";
import { fakeQuantizeToCodebook, type Rounding, uploadCodebooks } from "../../../autograd/mod.ts";
import {
  type AffineGrid,
  affineGrid,
  type AffineGridSpec,
  chooseWeightGrids,
  type CodebookGrid,
  levelGrid,
  type LevelQuantization,
  quantizeToLevels,
  roundToGrids,
  type WeightGridOptions,
  type WeightGridSpec,
} from "../../../compression/mod.ts";
import { read, run, tensor } from "../../../gpu/mod.ts";
import {
  type LevelGrid,
  REQUANTIZE_ROUNDING,
  requantizeKernels,
  requantizeParams,
  requantizeSlots,
  thresholdsOf,
} from "../../../kernels/mod.ts";
import { testDevice } from "../../support/device.ts";
import { goldenRecords, type StochasticRecord } from "./golden_records.ts";

interface AffineRecord {
  readonly low: number;
  readonly high: number;
  readonly spec: AffineGridSpec;
  readonly grid: Omit<AffineGrid, "kind">;
}

/** Levels that span a range, or that are fitted to values. */
interface ListedRecord {
  readonly low?: number;
  readonly high?: number;
  readonly values?: readonly number[];
  readonly spec: WeightGridSpec;
  readonly levels: readonly number[];
}

interface CodebookRecord {
  readonly levels: readonly number[];
  readonly thresholds: readonly number[];
  readonly x: readonly number[];
  readonly stochastic: StochasticRecord;
  readonly codes: Readonly<Partial<Record<Rounding | "stochastic", readonly number[]>>>;
}

type LevelRounding = LevelQuantization["rounding"];

interface LevelRecord extends Pick<LevelQuantization, "bits" | "scale"> {
  readonly grid: LevelGrid;
  readonly x: readonly number[];
  readonly onGrid: readonly number[];
  readonly stochastic: StochasticRecord;
  readonly codes: Readonly<Record<LevelRounding, readonly number[]>>;
}

/** -0 as 0, which JSON has and codes have not. */
const unsigned = (values: ArrayLike<number>) => Array.from(values, (value) => value + 0);

Deno.test("affineGrid() gives the golden symmetric, narrow and power-of-two grids", () => {
  for (const { low, high, spec, grid } of goldenRecords<AffineRecord>("affineGrid")) {
    const { kind: _kind, ...found } = affineGrid({ low, high }, spec);
    assert.deepEqual(
      { ...found, zeroPoint: found.zeroPoint + 0 },
      grid,
      `${low} to ${high}, ${JSON.stringify(spec)}`,
    );
  }
});

Deno.test("chooseWeightGrids() lists the golden levels of a range, and those fitted to values", () => {
  for (const record of goldenRecords<ListedRecord>("listedGrid")) {
    const { spec, levels, low = 0, high = 0, values = [low, high] } = record;
    const options = { grid: spec, granularity: "tensor" } as WeightGridOptions;
    const [grid] = chooseWeightGrids(Float32Array.from(values), [values.length], options);
    assert.ok(grid.kind === "codebook");
    assert.deepEqual(unsigned(grid.levels), levels, `${values} ${JSON.stringify(spec)}`);
  }
});

Deno.test("thresholdsOf() gives the golden thresholds", () => {
  for (const { levels, thresholds } of goldenRecords<CodebookRecord>("codebook")) {
    assert.deepEqual([...thresholdsOf(Float32Array.from(levels))], thresholds);
  }
});

Deno.test("roundToGrids() gives the golden codes of listed levels, by every rounding", () => {
  for (const { levels, x, stochastic, codes } of goldenRecords<CodebookRecord>("codebook")) {
    const grid: CodebookGrid = { kind: "codebook", levels: Float32Array.from(levels) };
    for (const [name, wanted] of Object.entries(codes)) {
      const rounding = name === "stochastic"
        ? { kind: "stochastic" as const, ...stochastic }
        : name as Rounding;
      const found = roundToGrids(Float32Array.from(x), [1, x.length], [grid], rounding);
      assert.deepEqual([...found.codes], wanted, `${name} to ${levels}`);
    }
  }
});

Deno.test("fakeQuantizeToCodebook() gives the levels of the golden codes", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  for (const { levels, x, codes } of goldenRecords<CodebookRecord>("codebook")) {
    const codebook = uploadCodebooks(device, [Float32Array.from(levels)], x.length);
    const y = await read(fakeQuantizeToCodebook(tensor(device, Float32Array.from(x)), codebook));
    assert.deepEqual(unsigned(y), codes.nearestEven!.map((code) => levels[code]), `${levels}`);
  }
});

Deno.test("levelGrid() gives the golden grids around 0", () => {
  for (const { bits, scale, grid, x } of goldenRecords<LevelRecord>("levels")) {
    const found = levelGrid(Float32Array.from(x), { bits, scale, rounding: "nearestEven" });
    assert.deepEqual(found, grid, `${bits} bits, ${scale}`);
  }
});

for (const rounding of Object.keys(REQUANTIZE_ROUNDING) as LevelRounding[]) {
  Deno.test(`quantizeToLevels() and the kernel that requantizes give the golden codes, ${rounding}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    for (
      const { bits, scale, grid, x, stochastic, codes } of goldenRecords<LevelRecord>("levels")
    ) {
      const label = `${bits} bits, ${scale}`;
      const values = Float32Array.from(x);
      const found = quantizeToLevels(values, [x.length], { bits, scale, rounding }, stochastic);
      assert.deepEqual(unsigned(found.codes), codes[rounding], label);
      const { seed, stream, step } = stochastic;
      const slots = requantizeSlots(x.length, 1);
      const onGpu = tensor(device, values);
      run(
        requantizeKernels.inPlace,
        {
          x: onGpu,
          grids: tensor(device, Float32Array.of(grid.scale, grid.inverseScale)),
          clock: tensor(device, Uint32Array.of(step)),
          seeds: tensor(device, Uint32Array.of(seed)),
        },
        requantizeParams({
          networks: 1,
          inner: x.length,
          firstSlot: 0,
          allSlots: slots,
          weights: x.length,
          capacity: 1,
          stream,
          period: 1,
          levels: grid.levels,
        }),
        { constants: { ROUNDING: REQUANTIZE_ROUNDING[rounding] } },
      );
      const reals = codes[rounding].map((code) => Math.fround(code * grid.scale));
      assert.deepEqual(unsigned(await read(onGpu)), unsigned(reals), label);
    }
  });
}

Deno.test("the golden vectors have numbers of a grid that bare truncation would take a step off", () => {
  const moved = goldenRecords<LevelRecord>("levels").flatMap(({ grid, x, onGrid, codes }) => {
    const members = new Set(onGrid);
    return x.flatMap((value, i) => {
      if (!members.has(value)) return [];
      assert.equal(codes.towardZero[i], codes.nearestEven[i]);
      assert.equal(codes.deadZone[i], codes.nearestEven[i]);
      assert.equal(codes.stochastic[i], codes.nearestEven[i]);
      return Math.trunc(Math.fround(value * grid.inverseScale)) === codes.towardZero[i] ? [] : [i];
    });
  });
  assert.ok(moved.length >= 10, `${moved.length}`);
});
