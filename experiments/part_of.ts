import type { ChartSpec } from "./charts/chart_spec.ts";
import type { AxisValue, Experiment, Point } from "./define.ts";
import { expandGrid, matches } from "./grid_points.ts";
import { unknownName, UserError } from "../formats/user_error.ts";

type Where = Readonly<Record<string, readonly AxisValue[]>>;

function whereWithin(where: Where, grid: Experiment["grid"]): Where {
  return Object.fromEntries(
    Object.entries(where).map(([axis, values]) =>
      [axis, values.filter((value) => grid[axis].includes(value))] as const
    ),
  );
}

/** How many points of the grid are left in a part of it. */
function pointsIn(where: Where = {}, grid: Experiment["grid"]): number {
  return Object.entries(grid)
    .map(([axis, values]) => (where[axis] ?? values).length)
    .reduce((product, count) => product * count, 1);
}

function chartWithout(
  chart: ChartSpec,
  comparisons: ReadonlySet<string>,
  grid: Experiment["grid"],
) {
  if (chart.kind === "difference") {
    return { ...chart, comparisons: chart.comparisons.filter((name) => comparisons.has(name)) };
  }
  return { ...chart, where: chart.where && whereWithin(chart.where, grid) };
}

/**
 * Takes a part of an experiment's grid, and what can still be compared and drawn.
 *
 * @param experiment The whole.
 * @param isIn Whether a value of an axis stays.
 * @returns The part; without its control or published figures if these are not in it.
 */
export function partOf(
  experiment: Experiment,
  isIn: (axis: string, value: AxisValue) => boolean,
): Experiment {
  const grid = Object.fromEntries(
    Object.entries(experiment.grid).map(([axis, values]) =>
      [axis, values.filter((value) => isIn(axis, value))] as const
    ),
  );
  const has = (part: Partial<Point>) =>
    Object.entries(part).every(([axis, value]) => value === undefined || isIn(axis, value));
  const compare = experiment.compare
    .filter(({ first, second }) => has(first) && has(second))
    .map((one) => one.where ? { ...one, where: whereWithin(one.where as Where, grid) } : one);
  const names = new Set(compare.map(({ name }) => name));
  const { control, published, stepLogs } = experiment;
  const steps = stepLogs && { ...stepLogs, where: whereWithin(stepLogs.where, grid) };
  return {
    ...experiment,
    grid,
    compare,
    control: control && has(control) ? control : undefined,
    charts: experiment.charts.map((chart) => chartWithout(chart, names, grid))
      .filter((chart) =>
        // a single point is told by the table
        chart.kind === "line" ? pointsIn(chart.where, grid) > 1 : chart.comparisons.length > 0
      ),
    stepLogs: steps && pointsIn(steps.where, grid) > 0 ? steps : undefined,
    published: published && expandGrid(grid).some((point) => matches(point, published.comparable))
      ? published
      : undefined,
  };
}

/**
 * Takes the part of an experiment's grid that a person names, under a name of its own.
 *
 * @param experiment The whole.
 * @param only Values of some axes as they are typed; axes that are not named stay whole.
 * @returns The part, named after its values.
 * @throws {UserError} If an axis or a value is not on the grid: with those that are.
 */
export function onlyPart(
  experiment: Experiment,
  only: Readonly<Record<string, readonly string[]>>,
): Experiment {
  const { grid, name } = experiment;
  for (const [axis, values] of Object.entries(only)) {
    if (!Object.hasOwn(grid, axis)) throw unknownName(`axis of ${name}`, axis, Object.keys(grid));
    const allowed = grid[axis].map(String);
    const unknown = values.find((value) => !allowed.includes(value));
    if (unknown !== undefined) throw unknownName(`${axis} of ${name}`, unknown, allowed);
    if (new Set(values).size < values.length) {
      throw new UserError(
        `Cannot sweep a part of ${name}: values of ${axis} must differ: ${values}`,
      );
    }
  }
  const part = partOf(experiment, (axis, value) => only[axis]?.includes(String(value)) ?? true);
  const words = Object.values(only).flat().join("_").toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  return { ...part, name: `${name}_${words}` };
}
