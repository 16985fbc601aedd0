import type { FilterBank } from "./filters.ts";
import { analyzeAxis, type BoundaryMode, coefficientCount, synthesizeAxis } from "./reference.ts";

/** A stack of images, row-major. */
export interface ImageShape {
  /** Count of images. */
  readonly batch: number;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
}

/** The four bands of one level; each is `[batch, height, width]` of the halved shape. */
export interface Bands<T> {
  /** Low-pass along both axes: cA in PyWavelets. */
  readonly approximation: T;
  /** High-pass along the height: responds to horizontal edges; cH. */
  readonly horizontal: T;
  /** High-pass along the width: responds to vertical edges; cV. */
  readonly vertical: T;
  /** High-pass along both axes; cD. */
  readonly diagonal: T;
}

/** The details of one level, without the approximation. */
export type Details<T> = Omit<Bands<T>, "approximation">;

/** A multi-level transform, in the order of PyWavelets' `wavedec2`. */
export interface Pyramid<T> {
  /** The approximation of the coarsest level. */
  readonly approximation: T;
  /** Details of every level, coarsest first. */
  readonly details: readonly Details<T>[];
}

/**
 * Gives the shape of the bands of one level.
 *
 * @param shape Of the images.
 * @param taps Of the filters.
 * @param mode Boundary mode.
 * @returns The same batch, with both sides halved as the mode has it.
 */
export function halvedShape(shape: ImageShape, taps: number, mode: BoundaryMode): ImageShape {
  return {
    batch: shape.batch,
    height: coefficientCount(shape.height, taps, mode),
    width: coefficientCount(shape.width, taps, mode),
  };
}

/**
 * Lists the shapes that a multi-level transform goes through.
 *
 * @param shape Of the images.
 * @param taps Of the filters.
 * @param mode Boundary mode.
 * @param levels How often the approximation is transformed, at least 0.
 * @returns `levels + 1` shapes, from the images to the coarsest approximation.
 */
export function pyramidShapes(
  shape: ImageShape,
  taps: number,
  mode: BoundaryMode,
  levels: number,
): ImageShape[] {
  const shapes = [shape];
  for (let level = 0; level < levels; level++) {
    shapes.push(halvedShape(shapes[level], taps, mode));
  }
  return shapes;
}

/**
 * One level of 2-D analysis in float64, as PyWavelets' `dwt2`.
 *
 * @param x `[batch, height, width]`.
 * @param shape The sizes.
 * @param bank Filters.
 * @param mode Boundary mode.
 * @returns Four bands, each of {@link halvedShape}.
 */
export function referenceAnalysis(
  x: ArrayLike<number>,
  shape: ImageShape,
  bank: FilterBank,
  mode: BoundaryMode,
): Bands<Float64Array> {
  const { batch, height, width } = shape;
  const filters = { low: bank.decLo, high: bank.decHi };
  const inner = coefficientCount(width, bank.taps, mode);
  const columns = { outer: batch, length: height, inner };
  const alongWidth = analyzeAxis(
    x,
    { outer: batch * height, length: width, inner: 1 },
    filters,
    mode,
  );
  const left = analyzeAxis(alongWidth.low, columns, filters, mode);
  const right = analyzeAxis(alongWidth.high, columns, filters, mode);
  return {
    approximation: left.low,
    horizontal: left.high,
    vertical: right.low,
    diagonal: right.high,
  };
}

/**
 * One level of 2-D synthesis in float64, as PyWavelets' `idwt2`, cropped to the shape.
 *
 * @param bands Each of {@link halvedShape}.
 * @param shape Of the result.
 * @param bank Filters.
 * @param mode Boundary mode.
 * @returns `[batch, height, width]`.
 */
export function referenceSynthesis(
  bands: Bands<ArrayLike<number>>,
  shape: ImageShape,
  bank: FilterBank,
  mode: BoundaryMode,
): Float64Array {
  const { batch, height, width } = shape;
  const filters = { low: bank.recLo, high: bank.recHi };
  const inner = coefficientCount(width, bank.taps, mode);
  const columns = { outer: batch, length: height, inner };
  const left = synthesizeAxis(bands.approximation, bands.horizontal, columns, filters, mode);
  const right = synthesizeAxis(bands.vertical, bands.diagonal, columns, filters, mode);
  const rows = { outer: batch * height, length: width, inner: 1 };
  return synthesizeAxis(left, right, rows, filters, mode);
}

/**
 * A multi-level 2-D transform in float64, as PyWavelets' `wavedec2`.
 *
 * @param x `[batch, height, width]`.
 * @param shape The sizes.
 * @param bank Filters.
 * @param mode Boundary mode.
 * @param levels How often the approximation is transformed.
 * @returns The pyramid of coefficients.
 */
export function referenceDecompose(
  x: Float64Array,
  shape: ImageShape,
  bank: FilterBank,
  mode: BoundaryMode,
  levels: number,
): Pyramid<Float64Array> {
  let approximation = x;
  const details: Details<Float64Array>[] = [];
  for (const from of pyramidShapes(shape, bank.taps, mode, levels).slice(0, levels)) {
    const bands = referenceAnalysis(approximation, from, bank, mode);
    const { horizontal, vertical, diagonal } = bands;
    details.unshift({ horizontal, vertical, diagonal });
    approximation = bands.approximation;
  }
  return { approximation, details };
}

/**
 * The inverse of {@link referenceDecompose}, as PyWavelets' `waverec2`.
 *
 * @param pyramid The coefficients.
 * @param shape Of the result.
 * @param bank Filters.
 * @param mode Boundary mode.
 * @returns `[batch, height, width]`.
 */
export function referenceReconstruct(
  pyramid: Pyramid<Float64Array>,
  shape: ImageShape,
  bank: FilterBank,
  mode: BoundaryMode,
): Float64Array {
  const levels = pyramid.details.length;
  const shapes = pyramidShapes(shape, bank.taps, mode, levels);
  return pyramid.details.reduce(
    (approximation, details, i) =>
      referenceSynthesis({ approximation, ...details }, shapes[levels - 1 - i], bank, mode),
    pyramid.approximation,
  );
}
