import { sizeOf } from "../gpu/mod.ts";
import type { Model } from "./model.ts";
import type { HostParameters } from "./parameters.ts";

/** A network whose batch norms are part of the layers before them. */
export interface FoldedNetwork {
  /** The model without norms, whose layers have biases. */
  readonly model: Model;
  /** Its weights. */
  readonly parameters: HostParameters;
}

/** The values of one layer with its norm in it. */
function foldLayer(
  weight: Float32Array,
  bias: Float32Array | undefined,
  norm: Readonly<Record<"weight" | "bias" | "running_mean" | "running_var", Float32Array>>,
  epsilon: number,
): { weight: Float32Array<ArrayBuffer>; bias: Float32Array<ArrayBuffer> } {
  const outputs = norm.weight.length;
  const inputs = weight.length / outputs;
  const scale = Float64Array.from(
    norm.weight,
    (gamma, o) => gamma / Math.sqrt(norm.running_var[o] + epsilon),
  );
  return {
    weight: Float32Array.from(weight, (value, i) => value * scale[Math.floor(i / inputs)]),
    bias: Float32Array.from(
      norm.bias,
      (beta, o) => beta + ((bias?.[o] ?? 0) - norm.running_mean[o]) * scale[o],
    ),
  };
}

/**
 * Folds every batch norm into the convolution or linear layer before it, as is done before a network is
 * quantized: it infers the same, with fewer layers.
 *
 *     w' = w gamma / sqrt(var + epsilon),   b' = beta + (b - mean) gamma / sqrt(var + epsilon)
 *
 * channel by channel, in float64 and rounded once.
 *
 * @param model The model; one without norms stays as it is.
 * @param parameters Trained weights and running statistics of one network.
 * @returns The network without norms; its other parameters are those given.
 * @see Jacob et al. 2018, arXiv:1712.05877, section 3.2
 */
export function foldBatchNorms(model: Model, parameters: HostParameters): FoldedNetwork {
  const { batchNorms } = model;
  if (batchNorms === undefined) return { model, parameters };
  const folded = batchNorms.folded();
  const values: Record<string, Float32Array<ArrayBuffer>> = { ...parameters };
  for (const { layer, norm, epsilon } of batchNorms.places) {
    const of = (name: string) => parameters[`${norm}.${name}`];
    const { weight, bias } = foldLayer(
      parameters[`${layer}.weight`],
      parameters[`${layer}.bias`],
      {
        weight: of("weight"),
        bias: of("bias"),
        running_mean: of("running_mean"),
        running_var: of("running_var"),
      },
      epsilon,
    );
    values[`${layer}.weight`] = weight;
    values[`${layer}.bias`] = bias;
  }
  return {
    model: folded,
    parameters: Object.fromEntries(
      folded.parameters.map((
        { name, shape },
      ) => [name, checked(name, values[name], sizeOf(shape))]),
    ),
  };
}

/** A model whose norms and folded form disagree would otherwise fail far from here. */
function checked(
  name: string,
  values: Float32Array<ArrayBuffer> | undefined,
  size: number,
): Float32Array<ArrayBuffer> {
  if (values?.length === size) return values;
  throw new RangeError(
    `Cannot fold batch norms: "${name}" must have ${size} elements: ${values?.length ?? "none"}`,
  );
}
