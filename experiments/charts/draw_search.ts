import { formatAdapterName } from "../../gpu/mod.ts";
import { planRungs, showHyperparameter } from "../search_space.ts";
import type { SearchedTrial, SearchResult } from "../successive_halving.ts";
import { drawPanels, type OwnPanel } from "./draw_panels.ts";

/** Panels side by side. */
const COLUMNS = 2;

/**
 * Draws a search as scatter plots: accuracy on the images held out over each hyper-parameter, one kind
 * of point a rung.
 *
 * @param result What was found.
 * @returns A PNG of 2560 pixels width.
 */
export function drawSearch(result: SearchResult): Uint8Array {
  const { search } = result;
  const panels = Object.keys(search.space).map((name) => panelOf(result, name));
  const title = "Successive halving: validation accuracy over each hyper-parameter";
  return drawPanels(title, captionOf(result), panels, {
    columns: COLUMNS,
    legend: panels[0].series,
  });
}

function rungLabel({ count, epochs }: { count: number; epochs: number }): string {
  return `${count} after ${epochs} epoch${epochs === 1 ? "" : "s"}`;
}

function captionOf({ search, runs, best, trials }: SearchResult): string {
  const distinct = (values: string[]) => [...new Set(values)].join(", ");
  const { dataset } = search.trial({ ...best?.configuration }, 1, search.seed).data;
  const shown = Object.entries(best?.configuration ?? {})
    .map(([name, value]) => `${name} ${showHyperparameter(value)}`).join(", ");
  const accuracies = trials.flatMap(({ metrics }) => metrics ? [metrics.testAccuracy] : []);
  const below = accuracies.filter((share) => 100 * share < accuracyRange(trials).yMin).length;
  return [
    `${dataset}, validation images; one seed, no intervals; trainings that failed are left out.`,
    below > 0 ? `${below} of ${accuracies.length} lie below the panels.` : "",
    best ? `Best: ${shown}.` : "",
    `${distinct(runs.map((run) => formatAdapterName(run.adapter, run.software)))};`,
    `commit ${distinct(runs.map((run) => run.commit.slice(0, 12)))}.`,
  ].filter(Boolean).join(" ");
}

/** Even steps: decades of a range, or one for each of a few values. */
function panelOf(
  { search, trials }: SearchResult,
  name: string,
): OwnPanel {
  const { draw, label } = search.space[name];
  const place = draw.kind === "choice"
    ? (value: number) => draw.values.indexOf(value)
    : (value: number) => Math.log10(value);
  const ticks = draw.kind === "choice"
    ? draw.values.map((_, i) => i)
    : decades(draw.low, draw.high);
  const pointsOf = (rung: number) =>
    trials.filter((one) => one.rung === rung && one.metrics !== undefined).map((one) => ({
      x: place(one.configuration[name]),
      y: 100 * one.metrics!.testAccuracy,
      seeds: 1,
      collapsed: 0,
    }));
  return {
    series: planRungs(search).map((rung, index) => ({
      label: rungLabel(rung),
      index,
      points: pointsOf(index),
    })),
    options: {
      title: "",
      xTitle: label,
      xUnit: undefined,
      yTitle: "validation accuracy (%)",
      xTicks: ticks,
      xScale: "linear",
      showX: (x) =>
        draw.kind === "choice" ? `${draw.values[x] ?? ""}` : `${Number((10 ** x).toPrecision(2))}`,
      ...accuracyRange(trials),
      markCliffs: false,
      isScatter: true,
      isExact: true,
    },
  };
}

function decades(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low));
  return Array.from({ length: Math.floor(Math.log10(high)) - first + 1 }, (_, i) => first + i);
}

/** All but the worst quarter, so that what broke down does not squeeze the others. */
function accuracyRange(trials: readonly SearchedTrial[]): { yMin: number; yMax: number } {
  const all = trials.flatMap(({ metrics }) => metrics ? [100 * metrics.testAccuracy] : [])
    .sort((a, b) => a - b);
  if (all.length === 0) return { yMin: 0, yMax: 100 };
  const low = all[Math.floor(all.length / 4)];
  const span = Math.max(1, all.at(-1)! - low);
  return { yMin: Math.max(0, low - 0.3 * span), yMax: all.at(-1)! + 0.1 * span };
}
