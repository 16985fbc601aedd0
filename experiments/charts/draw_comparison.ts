import type { ComparedTensor, NetworkComparison } from "../inspect/compare_networks.ts";
import type { ChartSeries } from "./chart_data.ts";
import { drawPanels, type OwnPanel } from "./draw_panels.ts";

/** Names of more layers than this take the whole width, and are written aslant. */
const FEW_LAYERS = 6;

/** Room at both ends of the axis of layers, in layers. */
const EDGE = 0.4;
/** Between neighbors at one layer, in layers. */
const SHIFT = 0.12;

/** Words around the panels. */
export interface ComparisonWords {
  /** What is compared. */
  readonly title: string;
  /** How, in sentences. */
  readonly caption: string;
}

/**
 * Draws how two networks differ: the signal-to-noise ratio of every layer's input, weight and output,
 * and beside or below it what is clipped and what is dead.
 *
 * @param comparison What was found.
 * @param words Title and caption.
 * @returns A PNG of 2560 pixels width.
 */
export function drawComparison(
  comparison: NetworkComparison,
  { title, caption }: ComparisonWords,
): Uint8Array {
  const layers = [...new Set(comparison.tensors.map(({ layer }) => layer))];
  const columns = layers.length > FEW_LAYERS ? 1 : undefined;
  return drawPanels(title, `${caption} ${READING}`, panelsOf(comparison.tensors, layers), {
    columns,
  });
}

const READING =
  "Signal-to-noise ratio: 10 log10 of sum a² / sum (a - b)²; tensors that are equal " +
  "have no point. Dead: nothing but 0 on all images.";

function panelsOf(
  tensors: readonly ComparedTensor[],
  layers: readonly string[],
): OwnPanel[] {
  const seriesOf = (
    label: string,
    index: number,
    part: ComparedTensor["part"],
    valueOf: (tensor: ComparedTensor) => number | undefined,
    shift = 0,
  ): ChartSeries[] => {
    const points = tensors.filter((tensor) => tensor.part === part).flatMap((tensor) => {
      const y = valueOf(tensor);
      const x = layers.indexOf(tensor.layer) + shift;
      return y === undefined || !Number.isFinite(y) ? [] : [{ x, y, seeds: 1, collapsed: 0 }];
    });
    return points.length === 0 ? [] : [{ label, index, points }];
  };
  const base = {
    title: "",
    xTitle: "layer",
    xUnit: undefined,
    xScale: "linear",
    xTicks: layers.map((_, i) => i),
    xRange: [-EDGE, layers.length - 1 + EDGE],
    xSlant: layers.length > FEW_LAYERS ? 40 : 0,
    showX: (x: number) => layers[x] ?? "",
    markCliffs: false,
    isExact: true,
  } as const;
  const ratios = [
    ...seriesOf("input", 0, "input", ({ signalToNoise }) => signalToNoise),
    ...seriesOf("weight", 1, "weight", ({ signalToNoise }) => signalToNoise),
    ...seriesOf("output", 2, "output", ({ signalToNoise }) => signalToNoise),
  ];
  const deadIn = (name: "deadA" | "deadB") => (tensor: ComparedTensor) =>
    100 * tensor[name] / tensor.channels;
  const clipped = (tensor: ComparedTensor) => tensor.clipped && 100 * tensor.clipped;
  // side by side, as shares are often equal
  const shares = [
    ...seriesOf("clipped, input", 0, "input", clipped, -1.5 * SHIFT),
    ...seriesOf("clipped, weight", 1, "weight", clipped, -0.5 * SHIFT),
    ...seriesOf("dead outputs, A", 3, "output", deadIn("deadA"), 0.5 * SHIFT),
    ...seriesOf("dead outputs, B", 4, "output", deadIn("deadB"), 1.5 * SHIFT),
  ];
  const most = Math.max(1, ...valuesOf(shares));
  return [
    {
      series: ratios,
      options: { ...base, yTitle: "signal-to-noise ratio (dB)", ...ratioRange(valuesOf(ratios)) },
    },
    {
      series: shares,
      options: {
        ...base,
        yTitle: "share (%)",
        yMin: -0.03 * most,
        yMax: 1.08 * most,
        isScatter: true,
      },
    },
  ];
}

function valuesOf(series: readonly ChartSeries[]): number[] {
  return series.flatMap(({ points }) => points.map(({ y }) => y));
}

/** Whole steps of 5 dB around all values and 0. */
function ratioRange(values: readonly number[]): { yMin: number; yMax: number } {
  return {
    yMin: 5 * Math.floor(Math.min(0, ...values) / 5),
    yMax: 5 * Math.ceil((Math.max(5, ...values) + 1) / 5),
  };
}
