import type { AxisValue, Point } from "./define.ts";

/**
 * Lists every point of a grid.
 *
 * @param grid Axes with their values.
 * @returns The points; the last axis changes fastest.
 */
export function expandGrid<Value extends AxisValue>(
  grid: Readonly<Record<string, readonly Value[]>>,
): Readonly<Record<string, Value>>[] {
  return Object.entries(grid).reduce<Readonly<Record<string, Value>>[]>(
    (points, [axis, values]) =>
      points.flatMap((point) => values.map((value) => ({ ...point, [axis]: value }))),
    [{}],
  );
}

/**
 * Tells whether a point lies in a part of the grid.
 *
 * @param point One value on each axis.
 * @param selection The values that some axes must have.
 * @returns True if it does.
 */
export function matches(point: Point, selection: Partial<Point>): boolean {
  return Object.entries(selection).every(([axis, value]) =>
    value === undefined || point[axis] === value
  );
}

/**
 * Removes axes from a point, to name the series it belongs to.
 *
 * @param point One value on each axis.
 * @param axes The axes to leave out.
 * @returns The other axes.
 */
export function withoutAxes(point: Point, axes: readonly string[]): Point {
  return Object.fromEntries(Object.entries(point).filter(([axis]) => !axes.includes(axis)));
}
