import { checkTrial } from "./check_trial.ts";
import type { AxisValue, Experiment, Point } from "./define.ts";
import { expandGrid } from "./grid_points.ts";
import { partOf } from "./part_of.ts";
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
  const part = partOf(experiment, (axis, value) => !isOut({ [axis]: value }));
  return {
    ...part,
    method: [
      ...part.method,
      ...refused.map(({ axis, value, why }) =>
        `Left out: ${axes[axis].values?.[value] ?? value}. ${why}.`
      ),
    ],
  };
}
