import type { Grid } from "./grid.ts";
import type { ScalarType } from "./wgsl.ts";

/** Numbers by name: the params or constants of a kernel. */
export type Numbers = Readonly<Record<string, number>>;

/** Float64 inputs of a reference, by tensor name; integers are exact in them. */
export type ReferenceInputs = Readonly<Record<string, Float64Array>>;

/** Uniform random numbers in [0, 1). */
export type RandomSource = () => number;

/** One entry point of a shader. */
export interface EntrySpec {
  /** Tensors that it only reads. */
  readonly reads: readonly string[];
  /** Tensors that it writes whole; `run` makes them unless told where. */
  readonly writes: readonly string[];
  /** Tensors that it reads and writes in place; the caller gives them. */
  readonly updates?: readonly string[];
  /** Floating-point (or integer) operations of one dispatch. */
  readonly flops: (params: Numbers, constants: Numbers) => number;
  /** Elements actually touched where that is less than the lengths say, for GB/s. */
  readonly touched?: (params: Numbers, constants: Numbers) => number;
  /** Overrides the family's grid. */
  readonly workgroups?: (params: Numbers, constants: Numbers) => Grid;
  /** Loop iterations of one invocation; more than 60,000 are refused. */
  readonly loopIterations?: (params: Numbers, constants: Numbers) => number;
}

/** How far a result may be from the float64 reference: |y - r| <= absolute + relative |r|. */
export interface Tolerance {
  /** Allowed error of a result near 0, in units of the result. */
  readonly absolute: number;
  /** Allowed error as a share of the reference. */
  readonly relative: number;
}

/** Parameters to test, verify and time a kernel with. */
export interface KernelCase {
  /** Every param of the shader. */
  readonly params: Numbers;
  /** Overrides that differ from their defaults. */
  readonly constants?: Numbers;
  /** Entry points that the case fits; all if left out. */
  readonly entries?: readonly string[];
}

/** A gradient that finite differences of the reference must confirm. */
export interface GradientSpec {
  /** Output that the loss is a weighted sum of. */
  readonly output: string;
  /** Input that is varied. */
  readonly input: string;
  /** Input that holds the weights of the sum, or a param that weighs all its terms alike. */
  readonly seed: string;
  /** Output that holds the gradient. */
  readonly gradient: string;
  /** Entry that gives `output`; found by its writes if left out, like the one with `gradient`. */
  readonly forward?: string;
  /** Inputs of the gradient's entry that are outputs of the forward one, by name. */
  readonly saved?: Readonly<Record<string, string>>;
  /** Constants that it holds under, where it does not under all of a case. */
  readonly constants?: Numbers;
}

/** Everything that is declared once about the kernels of one `.wgsl` file. */
export interface KernelSpec<Entry extends string> {
  /** The mathematics, such as `matmul`; variants share it. */
  readonly name: string;
  /** The way it is computed, such as `register_tiled`. */
  readonly variant?: string;
  /** Path of the shader from the root of the project. */
  readonly file: string;
  /** The shader, complete. */
  readonly source: string;
  /** Fields of `struct Params`, in order. */
  readonly params: Readonly<Record<string, ScalarType>>;
  /** Overrides and their defaults. */
  readonly constants?: Numbers;
  /** Length of every tensor, in elements. */
  readonly lengths: (params: Numbers, constants: Numbers) => Numbers;
  /** Every `@compute` function of the file, by its name. */
  readonly entries: Readonly<Record<Entry, EntrySpec>>;
  /** Grid of entries that name none. */
  readonly workgroups: (params: Numbers, constants: Numbers) => Grid;
  /** How far results may be from the reference; `exact` for integers and quantizers. */
  readonly tolerance:
    | "exact"
    | Tolerance
    | ((params: Numbers, entry: string) => Tolerance | "exact");
  /** Test inputs, where standard normal numbers will not do. */
  readonly generate?: Readonly<
    Record<string, (random: RandomSource, params: Numbers, length: number) => ArrayLike<number>>
  >;
  /** The mathematics in float64: every output of the entry from all inputs. */
  readonly reference: (
    inputs: ReferenceInputs,
    params: Numbers,
    constants: Numbers,
    entry: string,
  ) => Readonly<Record<string, ArrayLike<number> | undefined>>;
  /** Gradients that finite differences of the reference confirm. */
  readonly gradients?: readonly GradientSpec[];
  /** What tests, `verify` and the bench run: odd sizes, 1, long sums. */
  readonly cases: readonly KernelCase[];
  /** Draws parameters at random: odd sizes, 1, not multiples of a tile. */
  readonly randomCase?: (random: RandomSource) => KernelCase;
  /** Parameters worth timing; the largest case if left out. */
  readonly benchCases?: readonly KernelCase[];
}
