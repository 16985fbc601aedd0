import {
  learnedStepQuantize,
  LEAST_STEP,
  multiplyBy,
  randomMix,
  softRound,
} from "../../../autograd/mod.ts";
import {
  BINDING_ALIGNMENT,
  type Device,
  read,
  sizeOf,
  slice,
  type Tensor,
  tensor,
} from "../../../gpu/mod.ts";
import type { AffineGrid } from "../affine.ts";
import type { QuantizedWeight, WeightGrid } from "../quantized_weight.ts";
import { hardenRounding, neighborsOf, scaleAffineGrid } from "./neighbor_levels.ts";

/** One weight of a population, and the grids that it is rounded to. */
export interface ReconstructedWeight {
  /** Its name, such as `fc1.weight`. */
  readonly name: string;
  /** `[outputs, ...]`. */
  readonly shape: readonly number[];
  /** Row-major, one a network. */
  readonly values: readonly Float32Array[];
  /** One a group of consecutive weights, one list a network; all lists of one length. */
  readonly grids: readonly (readonly WeightGrid[])[];
}

/** An activation of a population, and the grids that its steps start from. */
export interface ReconstructedActivation {
  /** Name of the layer that it is the input of. */
  readonly layer: string;
  /** One a network. */
  readonly grids: readonly AffineGrid[];
}

/** Step number and seeds, of which random masks are made. */
export interface LearningContext {
  /** `u32 [1]`: steps done. */
  readonly clock: Tensor;
  /** `u32 [networks]`. */
  readonly seeds: Tensor;
}

/** What of one network was learned. */
export interface ReconstructedNetwork {
  /** Codes and grids by name of the weight. */
  readonly weights: Readonly<Record<string, QuantizedWeight>>;
  /** Grids by name of the layer that the activation goes into. */
  readonly activations: Readonly<Record<string, AffineGrid>>;
}

/** Everything about a block that learns: two flat buffers, since roundings and scales learn apart. */
export interface LearnedGrids {
  /** What decides the roundings, all weights of all networks. */
  readonly rounding: Tensor;
  /** Factors of weight grids and of activation steps. */
  readonly scales: Tensor;
  /** Views of both by name. */
  readonly parts: readonly { readonly of: Tensor; readonly view: Tensor }[];
  /** Gives the weights as they are now, between two levels, `[networks, ...shape]` by name. */
  weights(): Readonly<Record<string, Tensor>>;
  /** Quantizes the input of a layer with the steps as they are now; gives others back. */
  quantizeInput(layer: string, x: Tensor, context: LearningContext, dropRate: number): Tensor;
  /**
   * Reads what was learned and rounds; no step of an activation is below 2^-20 and no factor of a weight's
   * grid below 2^-10, as while they learned.
   *
   * @throws {RangeError} If a factor is not finite, with the name of the weight or layer.
   */
  harden(): Promise<ReconstructedNetwork[]>;
}

/** The grid of an activation after learning: with the step that learning computed with. */
function learnedGrid(grid: AffineGrid, factor: number, layer: string): AffineGrid {
  if (!Number.isFinite(factor)) {
    throw new RangeError(
      `Cannot quantize the input of "${layer}": a learned factor must be finite: that of its step ` +
        `is ${factor}: learn scales more slowly`,
    );
  }
  const scaled = scaleAffineGrid(grid, factor);
  return scaled.scale < LEAST_STEP
    ? { ...scaled, scale: LEAST_STEP, inverseScale: 1 / LEAST_STEP }
    : scaled;
}

function aligned(elements: number): number {
  return Math.ceil(elements / BINDING_ALIGNMENT) * BINDING_ALIGNMENT;
}

/** Places of consecutive parts of a flat buffer. */
function placesOf(sizes: readonly number[]): { offsets: number[]; size: number } {
  let size = 0;
  const offsets = sizes.map((one) => {
    const offset = size;
    size += aligned(one);
    return offset;
  });
  return { offsets, size: Math.max(size, BINDING_ALIGNMENT) };
}

function concatenated(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

function checkPopulation(weights: readonly ReconstructedWeight[], networks: number): void {
  for (const { name, values, grids } of weights) {
    const groups = new Set(grids.map(({ length }) => length));
    if (values.length !== networks || grids.length !== networks || groups.size !== 1) {
      throw new RangeError(
        `Cannot learn the rounding of "${name}": each of ${networks} networks needs its values, and ` +
          `as many grids as the others: there are ${values.length}, grids [${
            grids.map(({ length }) => length).join(", ")
          }]`,
      );
    }
  }
}

/**
 * Uploads weights with the levels beside them, and activations with their steps, ready to learn.
 *
 * @param device Where to.
 * @param weights What is rounded.
 * @param activations What is quantized with a step that learns.
 * @param networks Networks of the population.
 * @returns What learns, and ways to look at it.
 * @throws {RangeError} If a network has too few values or grids, or values and grids do not fit.
 */
export function learnedGrids(
  device: Device,
  weights: readonly ReconstructedWeight[],
  activations: readonly ReconstructedActivation[],
  networks: number,
): LearnedGrids {
  checkPopulation(weights, networks);
  const found = weights.map(({ values, shape, grids }) =>
    values.map((one, p) => neighborsOf(one, shape, grids[p]))
  );
  const weightPlaces = placesOf(weights.map(({ shape }) => networks * sizeOf(shape)));
  const groups = weights.map(({ grids }) => networks * grids[0].length);
  const scalePlaces = placesOf([...groups, ...activations.map(() => networks)]);

  const initial = new Float32Array(weightPlaces.size);
  found.forEach((of, i) =>
    initial.set(concatenated(of.map(({ v }) => v)), weightPlaces.offsets[i])
  );
  const rounding = tensor(device, initial);
  const scales = tensor(device, new Float32Array(scalePlaces.size).fill(1));

  const softened = weights.map(({ name, shape }, i) => {
    const whole = [networks, ...shape];
    const side = (of: "low" | "high") =>
      tensor(device, concatenated(found[i].map((one) => one[of])), whole);
    return {
      name,
      v: slice(rounding, weightPlaces.offsets[i], whole),
      levels: {
        low: side("low"),
        high: side("high"),
        factor: slice(scales, scalePlaces.offsets[i], [groups[i]]),
      },
    };
  });
  const stepped = new Map(activations.map(({ layer, grids }, i) => [layer, {
    stream: i,
    factor: slice(scales, scalePlaces.offsets[weights.length + i], [networks]),
    initial: tensor(device, new Float32Array(grids.map(({ scale }) => scale))),
    limits: tensor(
      device,
      new Float32Array(
        grids.flatMap(({ qMin, qMax, zeroPoint }) => [qMin - zeroPoint, qMax - zeroPoint]),
      ),
    ),
  }]));

  return {
    rounding,
    scales,
    parts: [
      ...softened.flatMap(({ v, levels }) => [
        { of: rounding, view: v },
        { of: scales, view: levels.factor },
      ]),
      ...[...stepped.values()].map(({ factor }) => ({ of: scales, view: factor })),
    ],
    weights: () =>
      Object.fromEntries(softened.map(({ name, v, levels }) => [name, softRound(v, levels)])),
    quantizeInput(layer, x, context, dropRate) {
      const grid = stepped.get(layer);
      if (grid === undefined) return x;
      const { factor, initial, limits, stream } = grid;
      const step = multiplyBy(factor, initial);
      const quantized = learnedStepQuantize(x, {
        step,
        limits,
        inner: x.size / networks,
      });
      return randomMix(quantized, x, { rate: dropRate, stream, training: context });
    },
    async harden() {
      const [v, factors] = [await read(rounding), await read(scales)].map((one) =>
        Float32Array.from(one)
      );
      return Array.from({ length: networks }, (_, p) => ({
        weights: Object.fromEntries(weights.map(({ name, shape, grids }, i) => {
          const part = (of: Float32Array, offset: number, size: number) =>
            of.subarray(offset + p * size, offset + (p + 1) * size);
          const ofNetwork = part(v, weightPlaces.offsets[i], sizeOf(shape));
          const ofGroups = part(factors, scalePlaces.offsets[i], grids[p].length);
          const { codes } = found[i][p];
          return [name, hardenRounding(shape, grids[p], codes, ofNetwork, ofGroups, name)];
        })),
        activations: Object.fromEntries(activations.map(({ layer, grids }, i) => {
          const factor = factors[scalePlaces.offsets[weights.length + i] + p];
          return [layer, learnedGrid(grids[p], factor, layer)];
        })),
      }));
    },
  };
}
