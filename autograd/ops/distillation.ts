import { formatShape, reshape, run, type Tensor } from "../../gpu/mod.ts";
import { distillationKernels } from "../../kernels/mod.ts";
import { affine, combine } from "../arithmetic.ts";
import { differentiable } from "../tape.ts";

/** How a network listens to its teacher. */
export interface DistillationOptions {
  /** Share of the teacher in the loss, from 0 to 1; the labels have the rest. */
  readonly weight: number;
  /** What logits are divided by before they are compared, above 0; 1 if left out. */
  readonly temperature?: number;
}

/**
 * Computes the loss of a network that learns from labels and from a teacher: one dispatch with its
 * gradient.
 *
 *     loss = (1 - weight) cross-entropy + weight T^2 KL(softmax(teacher / T) || softmax(logits / T))
 *
 * The teacher is data: no gradient reaches it.
 *
 * @param logits `[networks, rows, classes]`.
 * @param teacher Logits of the teacher for the same rows, of the same shape.
 * @param labels `u32`, `[networks, rows]`, or `[rows]` shared by all networks.
 * @param options Weight and temperature.
 * @returns Losses `[networks, rows]` in nats; `backward` of them means the mean over the rows, network
 *   by network.
 * @throws {RangeError} If shapes do not fit, or a number is out of range.
 * @see Hinton et al. 2015, arXiv:1503.02531
 */
export function distillation(
  logits: Tensor,
  teacher: Tensor,
  labels: Tensor,
  { weight, temperature = 1 }: DistillationOptions,
): Tensor {
  const [networks, rows, classes] = logits.shape;
  const isLabeled = labels.size === rows || labels.size === networks * rows;
  if (`${teacher.shape}` !== `${logits.shape}` || !isLabeled) {
    throw new RangeError(
      "Cannot distill: the teacher must have the shape of the logits, and every row a label: logits " +
        `are ${formatShape(logits.shape)}, the teacher's ${formatShape(teacher.shape)}, labels ` +
        formatShape(labels.shape),
    );
  }
  if (!(weight >= 0 && weight <= 1) || !(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(
      `Cannot distill: the weight must be from 0 to 1 and the temperature above 0: they are ` +
        `${weight} and ${temperature}`,
    );
  }
  const params = {
    rows: networks * rows,
    classes,
    labelRows: labels.size,
    scale: 1 / rows,
    weight,
    temperature,
  };
  const made = run(distillationKernels.forward, { logits, teacher, labels }, params);
  const ofMean = reshape(made.dLogits, logits.shape);
  return differentiable(
    reshape(made.losses, [networks, rows]),
    [logits],
    (dy) => [combine("multiply", affine(ofMean, rows, 0), reshape(dy, [networks, rows, 1]))],
    () => [ofMean],
  );
}
