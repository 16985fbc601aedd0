import type { ChartSpec } from "./charts/chart_spec.ts";
import { checkTrial } from "./check_trial.ts";
import type { AxisValue, Experiment, Point } from "./define.ts";
import { expandGrid, matches } from "./grid_points.ts";
import { UserError } from "../formats/user_error.ts";

/** A value of an axis at which nothing can be measured, and why. */
interface Refused {
  readonly axis: string;
  readonly value: AxisValue;
  readonly why: string;
}

function refusalOf(experiment: Experiment, point: Point): UserError | undefined {
  try {
    checkTrial(experiment.trial(point, 0));
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

function chartWithout(
  chart: ChartSpec,
  comparisons: ReadonlySet<string>,
  grid: Experiment["grid"],
) {
  if (chart.kind === "difference") {
    return { ...chart, comparisons: chart.comparisons.filter((name) => comparisons.has(name)) };
  }
  const where = chart.where && Object.fromEntries(
    Object.entries(chart.where).map(([axis, values]) =>
      [axis, values.filter((value) => grid[axis].includes(value))] as const
    ),
  );
  return { ...chart, where };
}

/**
 * Leaves out of an experiment what its network cannot do, such as groups of weights that do not divide
 * rows, and says so in its method.
 *
 * @param experiment Asked of a network that it was not defined for.
 * @returns The same, less the values of axes at which every point is refused, the comparisons of them, and
 *   charts that have nothing left.
 * @throws {UserError} If single points are refused, or all.
 */
export function leaveOutRefused(experiment: Experiment): Experiment {
  const { grid, budget, axes } = experiment;
  const points = expandGrid(grid).map((point) => ({
    point,
    refusal: refusalOf(experiment, point),
  }));
  const first = points.find(({ refusal }) => refusal !== undefined);
  if (first === undefined) return experiment;
  const refused = Object.entries(grid).filter(([axis]) => axis !== budget.axis)
    .flatMap(([axis, values]) =>
      values.flatMap((value): Refused[] => {
        const own = points.filter(({ point }) => point[axis] === value);
        const [{ refusal }] = own;
        if (refusal === undefined || !own.every((one) => one.refusal)) return [];
        return [{ axis, value, why: refusal.message }];
      })
    );
  const isOut = (point: Partial<Point>) => refused.some(({ axis, value }) => point[axis] === value);
  const left = points.filter(({ point }) => !isOut(point));
  const single = left.find(({ refusal }) => refusal !== undefined);
  if (left.length === 0 || single !== undefined) throw (single ?? first).refusal!;
  const compare = experiment.compare.filter(({ first, second }) => !isOut(first) && !isOut(second));
  const names = new Set(compare.map(({ name }) => name));
  const kept = Object.fromEntries(
    Object.entries(grid).map(([axis, values]) =>
      [axis, values.filter((value) => !isOut({ [axis]: value }))] as const
    ),
  );
  const { published } = experiment;
  return {
    ...experiment,
    grid: kept,
    compare,
    charts: experiment.charts.map((chart) => chartWithout(chart, names, kept))
      .filter((chart) => chart.kind === "line" || chart.comparisons.length > 0),
    published: published && left.some(({ point }) => matches(point, published.comparable))
      ? published
      : undefined,
    method: [
      ...experiment.method,
      ...refused.map(({ axis, value, why }) =>
        `Left out: ${axes[axis].values?.[value] ?? value}. ${why}.`
      ),
    ],
  };
}
