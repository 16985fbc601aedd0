/** Coefficients of Lanczos' approximation with g = 7. */
const LANCZOS = [
  0.99999999999980993,
  676.5203681218851,
  -1259.1392167224028,
  771.32342877765313,
  -176.61502916214059,
  12.507343278686905,
  -0.13857109526572012,
  9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** log of the gamma function for x >= 0.5 (Lanczos 1964, doi:10.1137/0701008). */
function logGamma(x: number): number {
  const shifted = x - 1;
  const t = shifted + 7.5;
  const series = LANCZOS.reduce((sum, c, i) => i === 0 ? c : sum + c / (shifted + i), 0);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series);
}

/** Continued fraction of the incomplete beta function by Lentz's method (DLMF 8.17.22). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - (a + b) * x / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const coefficient of [even, odd]) {
      d = 1 / (1 + coefficient * d || tiny);
      c = 1 + coefficient / c || tiny;
      change *= c * d;
    }
    fraction *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return fraction;
}

/** Regularized incomplete beta function I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  return x < (a + 1) / (a + b + 2)
    ? front * betaFraction(x, a, b) / a
    : 1 - front * betaFraction(1 - x, b, a) / b;
}

/**
 * Finds the probability that Student's t exceeds a value, accurate in the far tail.
 *
 * @param t The value.
 * @param degrees Degrees of freedom, above 0.
 * @returns P(T > t).
 */
export function studentTUpperTail(t: number, degrees: number): number {
  return t < 0 ? 1 - upperTail(-t, degrees) : upperTail(t, degrees);
}

/** P(T > t) for t >= 0, accurate in the far tail. */
function upperTail(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

/**
 * Finds the value that Student's t stays below with a given probability: how many standard errors
 * wide an interval of a mean has to be.
 *
 * Solves P(T <= t) = p, where P(T > t) = I_{v / (v + t^2)}(v / 2, 1 / 2) / 2 for t >= 0, by bisection.
 *
 * @param probability In (0, 1).
 * @param degrees Degrees of freedom v: observations minus one, at least 1.
 * @returns The quantile, dimensionless.
 * @throws {RangeError} If the probability or the degrees of freedom are out of range.
 *
 * @see Student 1908, doi:10.1093/biomet/6.1.1
 */
export function studentTQuantile(probability: number, degrees: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(
      `Cannot find a quantile: the probability must lie between 0 and 1: ${probability}`,
    );
  }
  if (!(degrees > 0)) {
    throw new RangeError(`Cannot find a quantile: degrees of freedom must be positive: ${degrees}`);
  }
  if (probability < 0.5) return -studentTQuantile(1 - probability, degrees);
  const target = 1 - probability;
  let low = 0;
  let high = 1;
  while (upperTail(high, degrees) > target) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-15 * high; i++) {
    const middle = (low + high) / 2;
    if (upperTail(middle, degrees) > target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
