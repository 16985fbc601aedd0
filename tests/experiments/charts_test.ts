import { createCanvas, loadImage } from "@napi-rs/canvas";
import assert from "node:assert/strict";
import { chartData } from "../../experiments/charts/chart_data.ts";
import type { LineChartSpec } from "../../experiments/charts/chart_spec.ts";
import { drawChart } from "../../experiments/charts/draw_chart.ts";
import { FONT_FAMILY, registerFonts } from "../../experiments/charts/fonts.ts";
import { octization } from "../../experiments/definitions/octization.ts";
import { seriesStyle } from "../../experiments/charts/palette.ts";
import { roundTicks } from "../../experiments/charts/x_axis.ts";
import { chartCsv } from "../../experiments/results_csv.ts";
import { zoomedRange } from "../../experiments/charts/zoomed_range.ts";
import { fakeResult } from "./small_result.ts";

const result = await fakeResult();
const [accuracy, differences] = result.experiment.charts;
const overBytes: LineChartSpec = {
  ...accuracy as LineChartSpec,
  name: "over_bytes",
  x: "bytes",
  marksFront: true,
};

/** Decodes a PNG to its pixels, four bytes each. */
async function pixelsOf(png: Uint8Array): Promise<{ width: number; data: Uint8ClampedArray }> {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  return { width: image.width, data: context.getImageData(0, 0, image.width, image.height).data };
}

/** Counts pixels in which two pictures differ, between two rows. */
function differing(
  a: { width: number; data: Uint8ClampedArray },
  b: { data: Uint8ClampedArray },
  from: number,
  to: number,
): number {
  let count = 0;
  for (let i = from * a.width * 4; i < to * a.width * 4; i += 4) {
    if (a.data[i] !== b.data[i] || a.data[i + 1] !== b.data[i + 1]) count++;
  }
  return count;
}

/** The column of every pixel of about one color, below a row. */
function columnsOf(
  { width, data }: { width: number; data: Uint8ClampedArray },
  hex: string,
  from = 0,
): number[] {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const columns = [];
  for (let i = from * width * 4; i < data.length; i += 4) {
    const distance = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
    if (distance < 12) columns.push(i / 4 % width);
  }
  return columns;
}

function colored(picture: { width: number; data: Uint8ClampedArray }, hex: string): number {
  return columnsOf(picture, hex).length;
}

function middle(columns: readonly number[]): number {
  return columns.reduce((sum, column) => sum + column, 0) / columns.length;
}

Deno.test("registerFonts() makes Inter known, and text in it has pixels", () => {
  registerFonts();
  const context = createCanvas(200, 40).getContext("2d");
  context.font = `20px "${FONT_FAMILY}"`;
  assert.notEqual(context.measureText("iiii").width, context.measureText("MMMM").width);
  context.fillText("Accuracy", 5, 30);
  assert.ok(context.getImageData(0, 0, 200, 40).data.some((value) => value > 0));
});

Deno.test("drawChart() really draws its title, axis titles and tick labels", async () => {
  const chart = await pixelsOf(drawChart(result, accuracy).png);
  const untitled = await pixelsOf(drawChart(result, { ...accuracy, title: "" }).png);
  assert.equal(chart.width, 2560);
  assert.ok(differing(chart, untitled, 0, 90) > 1000, "the title has pixels");
  assert.equal(differing(chart, untitled, 90, 900), 0, "the rest stays where it is");

  const renamed = {
    ...result,
    experiment: {
      ...result.experiment,
      axes: { ...result.experiment.axes, bits: { label: "", unit: "bit" } },
    },
  };
  const unlabeled = await pixelsOf(drawChart(renamed, accuracy).png);
  const height = chart.data.length / 4 / chart.width;
  assert.ok(differing(chart, unlabeled, 900, height) > 300, "the axis title has pixels");
});

Deno.test("drawChart() draws every series in its color, and the same bytes each time", async () => {
  const { png } = drawChart(result, accuracy);
  const chart = await pixelsOf(png);
  for (const index of [0, 1]) {
    const { color } = seriesStyle(index);
    assert.ok(colored(chart, color) > 2000, `${color} is drawn`);
  }
  assert.equal(colored(chart, seriesStyle(2).color), 0);
  assert.deepEqual(drawChart(result, accuracy).png, png);
});

Deno.test("drawChart() marks the published series and the cliffs", async () => {
  const chart = await pixelsOf(drawChart(result, accuracy).png);
  const without = async (change: object) => {
    const changed = { ...result, ...change } as typeof result;
    return differing(chart, await pixelsOf(drawChart(changed, accuracy).png), 180, 1000);
  };
  const experiment = { ...result.experiment, published: undefined };
  assert.ok(await without({ experiment }) > 300, "the published series has pixels");
  assert.ok(await without({ cliffs: [] }) > 300, "the cliffs have pixels");
});

Deno.test("drawChart() draws differences around zero", async () => {
  const chart = await pixelsOf(drawChart(result, differences).png);
  assert.ok(colored(chart, seriesStyle(0).color) > 1000);
});

Deno.test("drawChart() draws one seed without bars", async () => {
  const single = await fakeResult({ ...result.experiment, seeds: 1 });
  const { data } = drawChart(single, accuracy);
  assert.equal(data.series[0].points[0].lower, undefined);
});

Deno.test("drawChart() keeps the series of a single budget near its tick", async () => {
  const rows = result.rows.filter(({ point }) => point?.bits === 8);
  const experiment = { ...result.experiment, published: undefined };
  const single = { ...result, experiment, rows, cliffs: [] };
  const chart = await pixelsOf(drawChart(single, accuracy).png);
  const [first, second] = [0, 1].map((index) =>
    columnsOf(chart, seriesStyle(index).color, 200).filter((column) => column < chart.width / 2)
  );
  const distance = Math.abs(middle(first) - middle(second));
  assert.ok(distance > 5 && distance < chart.width / 20, `${distance} of ${chart.width} pixels`);
});

Deno.test("chartData() has what the result has, in percent, budgets ascending", () => {
  const data = chartData(result, accuracy);
  assert.deepEqual(data.series.map(({ label }) => label), ["per tensor", "per channel"]);
  for (const [i, { points, cliff }] of data.series.entries()) {
    assert.deepEqual(points.map(({ x }) => x), [2, 4, 6, 8, 16]);
    const cliffs = result.cliffs[i].cliffs;
    assert.equal(cliff, cliffs.find(({ delta }) => delta === 0.005)!.budget);
  }
  assert.equal(data.series[0].points[1].y, result.rows[1].summary.testAccuracy!.mean * 100);
  assert.equal(data.published!.points.length, 2);
  const channelOnly = { ...accuracy, where: { granularity: ["channel"] } } as typeof accuracy;
  const part = chartData(result, channelOnly);
  assert.deepEqual(part.series.map(({ index }) => index), [1], "a series keeps its look");
  assert.equal(part.published, undefined, "nothing comparable is drawn");
});

Deno.test("chartData() names series by what they differ in, each in a color of its own", () => {
  const many = { ...result, experiment: octization, rows: [], cliffs: [] };
  for (const chart of octization.charts) {
    const { series } = chartData(many, chart);
    assert.deepEqual(series.map(({ label }) => label), [
      "nearest, shadow weights",
      "nearest, in place every step",
      "nearest, after training",
      "toward zero, shadow weights",
      "toward zero, in place every step",
      "toward zero, after training",
    ]);
    assert.equal(new Set(series.map(({ index }) => seriesStyle(index).color)).size, series.length);
  }
  const one = { ...accuracy, where: { granularity: ["channel"] } } as typeof accuracy;
  assert.deepEqual(chartData(result, one).series.map(({ label }) => label), ["per channel"]);
});

Deno.test("chartData() over bytes has what was measured, and the points that nothing beats", () => {
  const data = chartData(result, overBytes);
  for (const [i, { points, cliff }] of data.series.entries()) {
    assert.deepEqual(points.map(({ x }) => x), [12_500, 24_500, 36_500, 48_500, 96_500]);
    assert.equal(cliff, undefined, "a cliff is a budget");
    // both series take as many bytes; channels are better
    assert.ok(i === 1 || points.every(({ isOnFront }) => !isOnFront));
  }
  const all = data.series.flatMap(({ points }) => points);
  const front = all.filter(({ isOnFront }) => isOnFront);
  assert.ok(front.length > 1);
  for (const point of all) {
    const beaten = all.some(({ x, y }) =>
      x <= point.x && y >= point.y && (x < point.x || y > point.y)
    );
    assert.equal(point.isOnFront ?? false, !beaten);
  }
  assert.equal(data.published, undefined, "figures over bits are not drawn over bytes");
  const narrow = chartData(result, { ...overBytes, where: { bits: [2, 4] } });
  assert.deepEqual(
    narrow.series.map(({ points }) => points.map(({ x }) => x)),
    data.series.map(() => [12_500, 24_500]),
    "budgets that are not named are not drawn",
  );
  const [header, ...lines] = chartCsv(data).split("\r\n");
  assert.match(header, /,front$/);
  assert.equal(lines.filter((line) => /,yes$/.test(line)).length, front.length);
  assert.doesNotMatch(chartCsv(chartData(result, accuracy)), /front/);
});

Deno.test("drawChart() over bytes draws the front, and axes where nothing was measured", async () => {
  const chart = await pixelsOf(drawChart(result, overBytes).png);
  const unmarked = { ...overBytes, marksFront: undefined };
  const plain = await pixelsOf(drawChart(result, unmarked).png);
  assert.ok(differing(chart, plain, 180, 1000) > 500, "the front has pixels");
  const rows = result.rows.map((row) => ({
    ...row,
    summary: { ...row.summary, bytes: undefined },
  }));
  const empty = drawChart({ ...result, rows }, overBytes);
  assert.ok(empty.data.series.every(({ points }) => points.length === 0));
  assert.equal(colored(await pixelsOf(empty.png), seriesStyle(0).color) < 2000, true);
});

Deno.test("zoomedRange() has float32 in it and is a point wide, however good or bad the network", () => {
  for (let y = 0; y <= 100; y += 0.05) {
    for (const zoomFrom of [0, 85, 90, 99]) {
      const { yMin, yMax } = zoomedRange(y, zoomFrom);
      assert.ok(yMin >= 0 && yMin <= y && y <= yMax && yMax - yMin >= 1, `${y}: ${yMin}, ${yMax}`);
    }
  }
  assert.deepEqual(zoomedRange(97.8, 90), { yMin: 90, yMax: 98.8 });
  assert.deepEqual(zoomedRange(97.8, 90, [98, 99.33]), { yMin: 90, yMax: 99.4 });
  assert.deepEqual(zoomedRange(10, 0, [95]), { yMin: 0, yMax: 20 });
  assert.deepEqual(zoomedRange(99.2, 90), { yMin: 95, yMax: 99.8 });
});

Deno.test("roundTicks() gives a few round numbers within what is drawn", () => {
  assert.deepEqual(roundTicks(6_800, 26_400), [10_000, 15_000, 20_000, 25_000]);
  assert.deepEqual(roundTicks(0, 8), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(roundTicks(5, 5), [5]);
});

Deno.test("seriesStyle() tells nine series apart by marker and color together", () => {
  const looks = Array.from({ length: 9 }, (_, i) => JSON.stringify(seriesStyle(i)));
  assert.equal(new Set(looks).size, 9);
});
