/** One of the two panels of a chart: the same data, another range. */
export interface PanelOptions {
  readonly title: string;
  readonly xTitle: string;
  /** Unit of a budget in the singular, such as `bit`; absent for shares. */
  readonly xUnit: string | undefined;
  readonly yTitle: string;
  /** Where the x axis has its ticks; at every budget if left out. */
  readonly xTicks?: readonly number[];
  /** How budgets are spaced; `log2` ones are shares and are shown as percentages. */
  readonly xScale: "linear" | "log2";
  readonly yMin: number;
  readonly yMax: number;
  /** Horizontal dotted line, where a cliff is decided. */
  readonly tolerance?: { readonly y: number; readonly label: string };
  /** True to mark and label the cliffs. */
  readonly markCliffs: boolean;
  /** Writes a tick of the x axis; as a budget if left out. */
  readonly showX?: (value: number) => string;
  /** Ends of the x axis; just beyond the points if left out. */
  readonly xRange?: readonly [low: number, high: number];
  /** Degrees by which ticks of the x axis are turned, for long names; 0 if left out. */
  readonly xSlant?: number;
  /** True to draw points without lines between them. */
  readonly isScatter?: true;
  /** True to draw points where they are, as they have no bars; else series are set side by side. */
  readonly isExact?: true;
}

/**
 * Writes a budget.
 *
 * @param budget Bits or the like, or a share for `log2`.
 * @param scale How budgets are spaced.
 * @param unit In the singular, such as `bit`; none if left out.
 * @returns Such as `4`, `4 bits` or `10 %`.
 */
export function showBudget(budget: number, scale: "linear" | "log2", unit?: string): string {
  if (scale === "log2") return `${Number((budget * 100).toPrecision(3))} %`;
  return unit === undefined ? `${budget}` : `${budget} ${unit}${budget === 1 ? "" : "s"}`;
}
