import { type Range, widenToZero } from "../affine.ts";
import { type Points, squaredError } from "../grids/squared_error.ts";
import { valueOf, type WeightGrid } from "../quantized_weight.ts";

/** Clipped ranges tried on each side of 0: multiples of a 24th of the widest. */
const STEPS = 24;
/** The best of them that are improved; small groups have many local optima. */
const STARTS = 4;
/** Halvings of that step around the best, to a 768th of the widest range. */
const HALVINGS = 5;
/** Rescalings by least squares after that. */
const RESCALINGS = 8;

/** A range, and the squared error of its grid. */
interface Candidate {
  readonly low: number;
  readonly high: number;
  readonly error: number;
}

/**
 * Searches the range whose grid is nearest to values in the mean of squares.
 *
 * Both ends move on their own: first all pairs of 24 shares of the widest range; from the four best of
 * them to neighbors at steps halved five times; then the grid is rescaled by least squares,
 *
 *     c = sum x x_hat / sum x_hat^2,
 *
 * for as long as that helps. The widest range is among those tried, so for the given points the result is
 * never worse than min-max. For values that the points only stand for, as the middles of histogram bins do,
 * its root mean squared error is larger by at most the width of a bin. The same points give the same range.
 *
 * @param points Values and how often each occurs.
 * @param widest Their smallest and largest value.
 * @param gridOf Makes the grid that spans a range.
 * @param label Whose values they are, for errors.
 * @returns The range to give to `gridOf`.
 * @throws {RangeError} If the widest range is not finite or wider than 2^120.
 * @see Nagel et al. 2021, arXiv:2106.08295, section 3.1
 */
export function leastSquaresRange(
  points: Points,
  widest: Range,
  gridOf: (range: Range) => WeightGrid,
  label?: string,
): Range {
  const { low, high } = widenToZero(widest, label);
  if (low === high) return { low, high };
  const known = new Map<string, number>();
  const tryRange = (range: Range): Candidate => {
    const grid = gridOf(range);
    const key = extremesOf(grid).join(" ");
    const error = known.get(key) ?? squaredError(points, grid).error;
    known.set(key, error);
    return { ...range, error };
  };
  const shares = Array.from({ length: STEPS }, (_, i) => (STEPS - i) / STEPS);
  const pairs = (low < 0 ? shares : [1]).flatMap((below) =>
    (high > 0 ? shares : [1]).map((above) => tryRange({ low: below * low, high: above * high }))
  );
  const starts = pairs.sort((a, b) => a.error - b.error)
    .filter(({ error }, i) => i === 0 || error !== pairs[i - 1].error)
    .slice(0, STARTS);
  const improved = starts.map((start) =>
    rescale(narrowDown(start, { low, high }, tryRange), points, gridOf, tryRange)
  );
  const best = improved.reduce((a, b) => b.error < a.error ? b : a);
  return { low: best.low, high: best.high };
}

/** Moves both ends to neighbors at ever smaller steps. */
function narrowDown(
  start: Candidate,
  { low, high }: Range,
  tryRange: (range: Range) => Candidate,
): Candidate {
  let best = start;
  for (let halving = 1, share = 1 / STEPS; halving <= HALVINGS; halving++) {
    share /= 2;
    const middle = best;
    for (const below of [-1, 0, 1]) {
      for (const above of [-1, 0, 1]) {
        const candidate = tryRange({
          low: Math.min(middle.low + below * share * low, 0),
          high: Math.max(middle.high + above * share * high, 0),
        });
        if (candidate.error < best.error) best = candidate;
      }
    }
  }
  return best;
}

/** Scales the grid by least squares, codes and scale in turn. */
function rescale(
  start: Candidate,
  points: Points,
  gridOf: (range: Range) => WeightGrid,
  tryRange: (range: Range) => Candidate,
): Candidate {
  let best = start;
  for (let i = 0; i < RESCALINGS; i++) {
    const grid = gridOf(best);
    const { product, square } = squaredError(points, grid);
    if (square === 0) break;
    const [first, last] = extremesOf(grid);
    const candidate = tryRange({ low: first * product / square, high: last * product / square });
    if (candidate.error >= best.error) break;
    best = candidate;
  }
  return best;
}

function extremesOf(grid: WeightGrid): [number, number] {
  if (grid.kind === "codebook") return [grid.levels[0], grid.levels[grid.levels.length - 1]];
  return [valueOf(grid.qMin, grid), valueOf(grid.qMax, grid)];
}
