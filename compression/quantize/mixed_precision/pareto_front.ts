/**
 * Removes points that another one is at least as good as on both counts, and better on one.
 *
 * Of points that are equal on both the first stays.
 *
 * @param points Any data.
 * @param cost What should be small, such as bytes.
 * @param worth What should be large, such as accuracy.
 * @returns The points that are left, by rising cost; worth rises with it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { paretoFront } from "./pareto_front.ts";
 *
 * const points = [{ bytes: 3, accuracy: 0.9 }, { bytes: 2, accuracy: 0.9 }, { bytes: 1, accuracy: 0.5 }];
 * const front = paretoFront(points, (p) => p.bytes, (p) => p.accuracy);
 * assert.deepEqual(front.map(({ bytes }) => bytes), [1, 2]);
 * ```
 */
export function paretoFront<Point>(
  points: readonly Point[],
  cost: (point: Point) => number,
  worth: (point: Point) => number,
): Point[] {
  const sorted = points.toSorted((a, b) => cost(a) - cost(b) || worth(b) - worth(a));
  const front: Point[] = [];
  for (const point of sorted) {
    const best = front.at(-1);
    if (best === undefined || worth(point) > worth(best)) front.push(point);
  }
  return front;
}
