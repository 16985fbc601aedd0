import { deepFreeze } from "./deep_freeze.ts";
import type { BudgetScale } from "./cliff.ts";
import type { ChartSpec } from "./charts/chart_spec.ts";
import type { StepLogChartSpec } from "./charts/step_log_chart.ts";
import { checkExperiment } from "./check_experiment.ts";
import type { MetricName } from "./metrics.ts";
import type { ModelSpec } from "../models/mod.ts";
import type { Trial } from "./trial.ts";

/** A value on an axis of a grid. */
export type AxisValue = string | number;

/** The axes of an experiment by name, each with the values that it takes. */
export type Grid = Readonly<Record<string, readonly AxisValue[]>>;

/** One value on each axis. */
export type Point<G extends Grid = Grid> = { readonly [Axis in keyof G]: G[Axis][number] };

/** How an axis is shown to a person. */
export interface AxisDisplay {
  /** Title of the axis. */
  readonly label: string;
  /** Of its values in the singular, such as `bit`. */
  readonly unit?: string;
  /** Words for its values; a value that is not named is shown as it is. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Two arms of an experiment, compared seed by seed wherever the other axes agree. */
export interface Comparison<G extends Grid = Grid> {
  /** Such as `image layout - permuted control`. */
  readonly name: string;
  /** What the other is subtracted from. */
  readonly first: Partial<Point<G>>;
  /** What is subtracted. */
  readonly second: Partial<Point<G>>;
  /** Only these values of other axes; everything that is not named is compared. */
  readonly where?: Readonly<Partial<Record<keyof G, readonly AxisValue[]>>>;
}

/** Figures of somebody else, drawn beside ours. */
export interface PublishedSeries<G extends Grid = Grid> {
  /** In the legend. */
  readonly label: string;
  /** Where they come from and how they were obtained. */
  readonly source: string;
  /** Our points that were measured the same way. */
  readonly comparable: Partial<Point<G>>;
  /** Budget and test accuracy, a fraction. */
  readonly points: readonly { readonly budget: number; readonly testAccuracy: number }[];
}

/** An experiment as it is written down. */
export interface ExperimentSpec<G extends Grid> {
  /** In snake_case; also the name of its folder of results. */
  readonly name: string;
  /** What is to be found out. */
  readonly question: string;
  /** What is expected, written before the answer is known. */
  readonly hypotheses: readonly string[];
  /** How it is measured, in sentences, for the report. */
  readonly method: readonly string[];
  /** Every value of every axis; all combinations are measured. */
  readonly grid: G;
  /** How each axis is shown. */
  readonly axes: { readonly [Axis in keyof G]: AxisDisplay };
  /** Axis along which a network is reduced, and how it is spaced. */
  readonly budget: { readonly axis: keyof G & string; readonly scale: BudgetScale };
  /** How many times everything is repeated; seeds are 0 to `seeds` - 1, the same in every arm. */
  readonly seeds: number;
  /** Kinds of model that the question makes sense for. */
  readonly models: readonly ModelSpec["kind"][];
  /** The same question as it has to be asked of other kinds of model, under the same name. */
  readonly forOtherModels?: Experiment;
  /** The float32 network that everything is compared with. */
  readonly baseline: (seed: number) => Trial;
  /**
   * Values on axes that make of any point the float32 network that went through the same training, which
   * losses and cliffs are then counted from; the baseline if left out.
   */
  readonly control?: Partial<Point<NoInfer<G>>>;
  /** What is measured at a point of the grid: a pure function. */
  readonly trial: (point: Point<G>, seed: number) => Trial;
  /** What is measured. */
  readonly metrics: readonly MetricName[];
  /** Difference of test accuracy, a fraction, below which two arms count as equivalent; not tested if left out. */
  readonly equivalenceMargin?: number;
  /** Comparisons to make, paired by seed. */
  readonly compare: readonly Comparison<NoInfer<G>>[];
  /** Charts to draw. */
  readonly charts: readonly ChartSpec[];
  /** What single steps of a training did, where weights are rounded while they are trained. */
  readonly stepLogs?: StepLogChartSpec;
  /** Figures to draw ours beside. */
  readonly published?: PublishedSeries<NoInfer<G>>;
}

/** A question, a grid and all that it takes to answer it, frozen. */
export type Experiment = ExperimentSpec<Grid>;

/**
 * Defines an experiment: checks that its parts fit together and freezes it.
 *
 * @param spec The experiment as it is written down.
 * @returns The same, frozen all the way down.
 * @throws {RangeError} If the name, the grid, a comparison or a chart does not fit, or if `trial` gives
 *   two answers to the same question.
 */
export function defineExperiment<const G extends Grid>(spec: ExperimentSpec<G>): Experiment {
  // A definition is read through the names of its own axes, and run without knowing them.
  const experiment = spec as unknown as Experiment;
  checkExperiment(experiment);
  return deepFreeze(experiment);
}
