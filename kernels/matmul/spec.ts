import type {
  EntrySpec,
  Grid,
  KernelCase,
  KernelSpec,
  Numbers,
  RandomSource,
  ReferenceInputs,
} from "../../gpu/mod.ts";
import { randomInteger } from "../random_source.ts";

/** The entry points that every variant of matmul has. */
export type MatmulEntry = "nt" | "ntBias" | "nn" | "nnMasked" | "nnRowBias" | "tn" | "tnRowSum";

/** Entries that look at RELU. */
export const RECTIFYING: readonly string[] = ["ntBias", "nnRowBias"];

/** Which operands of an entry are stored with k as their rows. */
export function layoutOf(entry: string): { readonly aByK: boolean; readonly bByK: boolean } {
  return { aByK: entry.startsWith("tn"), bByK: !entry.startsWith("nt") };
}

const flops = ({ batch, m, n, k }: Numbers): number => 2 * batch * m * n * k;

/**
 * Entries of a variant, given how often one of its invocations loops for a product, and for a product
 * with row sums, over `k` steps.
 */
export function matmulEntries(
  productLoops: (k: number) => number,
  rowSumLoops: (k: number) => number,
): Record<MatmulEntry, EntrySpec> {
  const entry = (reads: readonly string[], writes: readonly string[]): EntrySpec => ({
    reads,
    writes,
    flops,
    loopIterations: ({ k }) => (writes.includes("rowSum") ? rowSumLoops : productLoops)(k),
  });
  return {
    nt: entry(["a", "b"], ["c"]),
    ntBias: entry(["a", "b", "bias"], ["c"]),
    nn: entry(["a", "b"], ["c"]),
    nnMasked: entry(["a", "b", "mask"], ["c"]),
    nnRowBias: entry(["a", "b", "rowBias"], ["c"]),
    tn: entry(["a", "b"], ["c"]),
    tnRowSum: entry(["a", "b"], ["c", "rowSum"]),
  };
}

function lengths({ batch, m, n, k, aStride, bStride, biasStride }: Numbers): Numbers {
  return {
    a: (batch - 1) * aStride + m * k,
    b: (batch - 1) * bStride + n * k,
    bias: (batch - 1) * biasStride + n,
    rowBias: m,
    mask: batch * m * n,
    c: batch * m * n,
    rowSum: batch * m,
  };
}

function reference(
  { a, b, bias, rowBias, mask }: ReferenceInputs,
  { batch, m, n, k, aStride, bStride, biasStride }: Numbers,
  { RELU }: Numbers,
  entry: string,
): Record<string, Float64Array> {
  const { aByK, bByK } = layoutOf(entry);
  const [aRow, aStep] = aByK ? [1, m] : [k, 1];
  const [bColumn, bStep] = bByK ? [1, n] : [k, 1];
  const c = new Float64Array(batch * m * n);
  const rowSum = new Float64Array(batch * m);
  for (let p = 0; p < batch; p++) {
    for (let i = 0; i < m; i++) {
      const aStart = p * aStride + i * aRow;
      for (let step = 0; step < k; step++) rowSum[p * m + i] += a[aStart + step * aStep];
      for (let j = 0; j < n; j++) {
        const bStart = p * bStride + j * bColumn;
        let sum = 0;
        for (let step = 0; step < k; step++) {
          sum += a[aStart + step * aStep] * b[bStart + step * bStep];
        }
        const at = (p * m + i) * n + j;
        if (entry === "ntBias") sum += bias[p * biasStride + j];
        if (entry === "nnRowBias") sum += rowBias[i];
        if (RECTIFYING.includes(entry) && RELU === 1) sum = Math.max(sum, 0);
        c[at] = entry === "nnMasked" && !(mask[at] > 0) ? 0 : sum;
      }
    }
  }
  return { c, rowSum };
}

/** Params of a batch of products; operands and bias shared or one a network. */
export function matmulParams(
  batch: number,
  m: number,
  n: number,
  k: number,
  shared: { readonly a?: boolean; readonly b?: boolean } = {},
): Numbers {
  return {
    batch,
    m,
    n,
    k,
    aStride: shared.a || batch === 1 ? 0 : m * k,
    bStride: shared.b || batch === 1 ? 0 : n * k,
    biasStride: shared.b || batch === 1 ? 0 : n,
  };
}

const CASES: readonly KernelCase[] = [
  { params: matmulParams(1, 1, 1, 1) },
  { params: matmulParams(1, 17, 9, 5) },
  { params: matmulParams(1, 64, 64, 784) },
  { params: matmulParams(1, 64, 10, 32), constants: { RELU: 1 } },
  { params: matmulParams(3, 20, 12, 8, { a: true }) },
  { params: matmulParams(2, 33, 8, 16, { b: true }), constants: { RELU: 1 } },
  { params: matmulParams(2, 3, 5, 7) },
  { params: matmulParams(1, 2, 3, 29_001) },
];

function randomCase(random: RandomSource): KernelCase {
  const size = () => randomInteger(random, 1, 50);
  const params = matmulParams(randomInteger(random, 1, 3), size(), size(), size(), {
    a: random() < 0.3,
    b: random() < 0.3,
  });
  return { params, constants: { RELU: randomInteger(random, 0, 1) } };
}

const BENCH_ENTRIES = ["nt", "nn", "tn"];

/** What is the same for every variant: lengths, reference, tolerance and cases. */
export const matmulMathematics: Pick<
  KernelSpec<MatmulEntry>,
  | "name"
  | "params"
  | "lengths"
  | "reference"
  | "tolerance"
  | "cases"
  | "randomCase"
  | "benchCases"
> = {
  name: "matmul",
  params: {
    batch: "u32",
    m: "u32",
    n: "u32",
    k: "u32",
    aStride: "u32",
    bStride: "u32",
    biasStride: "u32",
  },
  lengths,
  reference,
  // k roundings of partial sums that grow like sqrt(k) themselves: k eps / sqrt(24), five of these
  tolerance: ({ k }) => ({ absolute: 1.2e-7 * k + 1e-6, relative: 1e-6 }),
  cases: CASES,
  randomCase,
  benchCases: [
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [256, 64, 784],
    [64, 64, 784],
    [64, 784, 256],
  ].map(([m, n, k]) => ({ params: matmulParams(1, m, n, k), entries: BENCH_ENTRIES })),
};

/** A grid of two axes and the batch, for variants with one tile a workgroup or invocation. */
export function tileGrid({ batch, m, n }: Numbers, rows: number, columns: number): Grid {
  return [Math.ceil(n / columns), Math.ceil(m / rows), batch];
}
