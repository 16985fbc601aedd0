/** Two straight lines that meet. */
export interface TwoSegmentFit {
  /** Where they meet, on the axis of the fit. */
  readonly knee: number;
  /** Value at the knee. */
  readonly value: number;
  /** Slope below and above the knee. */
  readonly slopes: readonly [below: number, above: number];
  /** Sum of squared residuals. */
  readonly residual: number;
}

/** Fewest points that two free lines and a knee between them can be told from. */
const FEWEST_POINTS = 5;

/**
 * Fits y = v + b min(0, x - k) + a max(0, x - k) by least squares over v, b, a and the knee k.
 *
 * The best knee is exact: between two neighboring x the fit is two separate lines where these meet in
 * that interval, and otherwise the knee sits on one of the x.
 *
 * @param x Budgets, strictly increasing, already on the axis of the fit.
 * @param y One value a budget.
 * @returns The fit, or `undefined` for fewer than five points.
 *
 * @see Hudson 1966, Fitting segmented curves whose join points have to be estimated,
 *   doi:10.1080/01621459.1966.10482198
 */
export function fitTwoSegments(
  x: readonly number[],
  y: readonly number[],
): TwoSegmentFit | undefined {
  if (x.length < FEWEST_POINTS) return undefined;
  let best: TwoSegmentFit | undefined;
  const consider = (fit: TwoSegmentFit | undefined): void => {
    if (fit && (!best || fit.residual < best.residual)) best = fit;
  };
  for (let i = 1; i < x.length - 1; i++) consider(fitWithKnee(x, y, x[i]));
  for (let i = 1; i < x.length - 2; i++) consider(fitBetween(x, y, i));
  return best;
}

/** Separate lines through points 0..i and i+1..n-1, if they meet between x[i] and x[i+1]. */
function fitBetween(
  x: readonly number[],
  y: readonly number[],
  i: number,
): TwoSegmentFit | undefined {
  const left = fitLine(x.slice(0, i + 1), y.slice(0, i + 1));
  const right = fitLine(x.slice(i + 1), y.slice(i + 1));
  if (left.slope === right.slope) return undefined;
  const knee = (right.intercept - left.intercept) / (left.slope - right.slope);
  if (!(knee > x[i] && knee < x[i + 1])) return undefined;
  return {
    knee,
    value: left.intercept + left.slope * knee,
    slopes: [left.slope, right.slope],
    residual: left.residual + right.residual,
  };
}

function fitLine(
  x: readonly number[],
  y: readonly number[],
): { intercept: number; slope: number; residual: number } {
  const mx = x.reduce((s, v) => s + v, 0) / x.length;
  const my = y.reduce((s, v) => s + v, 0) / y.length;
  const sxx = x.reduce((s, v) => s + (v - mx) ** 2, 0);
  const sxy = x.reduce((s, v, j) => s + (v - mx) * (y[j] - my), 0);
  const slope = sxy / sxx;
  const intercept = my - slope * mx;
  const residual = x.reduce((s, v, j) => s + (y[j] - intercept - slope * v) ** 2, 0);
  return { intercept, slope, residual };
}

/** Least squares with the knee given: three normal equations, solved by elimination. */
function fitWithKnee(x: readonly number[], y: readonly number[], knee: number): TwoSegmentFit {
  const basis = x.map((v) => [1, Math.min(0, v - knee), Math.max(0, v - knee)]);
  const rows = [0, 1, 2].map((r) => [
    ...[0, 1, 2].map((c) => basis.reduce((s, b) => s + b[r] * b[c], 0)),
    basis.reduce((s, b, j) => s + b[r] * y[j], 0),
  ]);
  for (let pivot = 0; pivot < 3; pivot++) {
    for (let r = 0; r < 3; r++) {
      if (r === pivot) continue;
      const factor = rows[r][pivot] / rows[pivot][pivot];
      for (let c = pivot; c < 4; c++) rows[r][c] -= factor * rows[pivot][c];
    }
  }
  const [value, below, above] = rows.map((row, r) => row[3] / row[r]);
  const residual = basis.reduce(
    (s, b, j) => s + (y[j] - value - below * b[1] - above * b[2]) ** 2,
    0,
  );
  return { knee, value, slopes: [below, above], residual };
}
