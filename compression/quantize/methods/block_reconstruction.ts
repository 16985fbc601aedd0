import { backward, combine, roundingPenalty } from "../../../autograd/mod.ts";
import {
  type Device,
  type Program,
  read,
  record,
  run,
  sizeOf,
  slice,
  type Tensor,
  tensor,
  zeros,
} from "../../../gpu/mod.ts";
import { adamKernels, trainingClockKernels } from "../../../kernels/mod.ts";
import {
  type LearnedGrids,
  learnedGrids,
  type LearningContext,
  type ReconstructedActivation,
  type ReconstructedNetwork,
  type ReconstructedWeight,
} from "./learned_grids.ts";
import {
  ADAM,
  adamTable,
  checkReconstructionPlan,
  penaltyTable,
  type ReconstructionPlan,
} from "./reconstruction_plan.ts";

/** A block of a network as it is while its roundings are learned. */
export interface SoftBlock extends LearningContext {
  /** Weights between two levels, `[networks, ...shape]`, by name. */
  readonly weights: Readonly<Record<string, Tensor>>;
  /**
   * Quantizes the input of a layer, with a step that learns.
   *
   * @param layer Name of the layer; the inputs of others pass as they are.
   * @param x `[networks, rows, ...]`.
   */
  quantizeInput(layer: string, x: Tensor): Tensor;
}

/** What is quantized together, and how its error is measured. */
export interface ReconstructionBlock {
  /** Its layers, for errors. */
  readonly label?: string;
  /** Weights that are rounded. */
  readonly weights: readonly ReconstructedWeight[];
  /** Inputs of layers that are quantized; none for weights only. */
  readonly activations?: readonly ReconstructedActivation[];
  /** One a network: of its batches and masks. */
  readonly seeds: readonly number[];
  /** Loss of a block that gives nothing but 0, roughly: the mean square of what it should give. */
  readonly unit: number;
  /**
   * Computes how far the block's output is from that of the network as it was, in one step.
   *
   * It is recorded once and replayed, so what changes from step to step comes from `soft.clock`.
   *
   * @param soft The block as it is now.
   * @returns Losses `[networks, rows]`, such as those of `meanSquaredError`.
   */
  losses(soft: SoftBlock): Tensor;
}

/** What was learned of one network, and how. */
export interface BlockReconstruction extends ReconstructedNetwork {
  /** Mean loss of every step, the penalty not counted. */
  readonly losses: readonly number[];
}

/** Steps between two waits for the GPU. */
const STEPS_AT_ONCE = 256;

function optimizer(device: Device, parameter: Tensor, rate: number, steps: number) {
  const table = tensor(device, adamTable(rate, steps));
  const m = zeros(device, parameter.shape);
  const v = zeros(device, parameter.shape);
  return (gradient: Tensor, clock: Tensor): void => {
    run(adamKernels.step, { gradient, clock, stepTable: table, parameter, m, v }, {
      size: parameter.size,
      steps,
      ...ADAM,
      decayed: 0,
      weightDecay: 0,
    });
  };
}

/** Records one step: losses, gradients, penalty, two steps of Adam, and the clock. */
function recordStep(
  device: Device,
  block: ReconstructionBlock,
  plan: ReconstructionPlan,
  learned: LearnedGrids,
): { program: Program; lossLog: Tensor } {
  const { steps, dropRate = 0 } = plan;
  const { rounding, scales, parts } = learned;
  const networks = block.seeds.length;
  const clock = zeros(device, [1], "u32");
  const seeds = tensor(device, Uint32Array.from(block.seeds));
  const lossLog = zeros(device, [steps, networks]);
  const weights = block.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const schedule = tensor(device, penaltyTable(plan, block.unit, weights));
  const ones = tensor(device, new Float32Array(rounding.size).fill(1));
  const gradients = {
    rounding: zeros(device, rounding.shape),
    scales: zeros(device, scales.shape),
  };
  const into = new Map(parts.map(({ of, view }) => [
    view,
    slice(of === rounding ? gradients.rounding : gradients.scales, view.offset, view.shape),
  ]));
  const stepRounding = optimizer(device, rounding, plan.roundingRate, steps);
  const stepScales = optimizer(device, scales, plan.scaleRate, steps);
  // a model also computes what comes after the block, which nobody looks at
  const program = record(device, () => {
    const losses = block.losses({
      clock,
      seeds,
      weights: learned.weights(),
      quantizeInput: (layer, x) => learned.quantizeInput(layer, x, { clock, seeds }, dropRate),
    });
    backward(losses, [...into.keys()], { into });
    const penalty = roundingPenalty(rounding, { clock, schedule });
    const ofPenalty = backward(penalty, [rounding], { seed: ones }).get(rounding)!;
    stepRounding(combine("add", gradients.rounding, ofPenalty), clock);
    if (plan.scaleRate > 0) stepScales(gradients.scales, clock);
    run(trainingClockKernels.advance, { losses, clock, lossLog }, {
      networks,
      batch: losses.size / networks,
      capacity: steps,
    });
  }, { dropUnread: true });
  return { program, lossLog };
}

function checkLosses(
  { label, seeds: { length: networks } }: ReconstructionBlock,
  log: ArrayLike<number>,
  from: number,
  to: number,
): void {
  for (let i = from * networks; i < to * networks; i++) {
    if (Number.isFinite(log[i])) continue;
    throw new RangeError(
      `Cannot reconstruct${
        label === undefined ? "" : ` ${label}`
      }: the loss must stay finite: at step ` +
        `${Math.floor(i / networks)} it is ${log[i]}`,
    );
  }
}

/**
 * Learns the roundings of several layers together, with the scales of their grids and the steps of their
 * activations, so that the output of the block stays what it was: BRECQ.
 *
 *     minimize  mean (f(x) - f_hat(x))^2 + lambda mean(1 - |2 h(v) - 1|^beta)
 *
 * over v, one a weight, factors, one a group of weights, and activation steps, by Adam; beta falls, so
 * that every weight ends at one of the two levels beside it ({@link softRound}). The block may be a
 * layer, a residual block or a whole network; with a drop rate, activations are quantized in part
 * (QDrop). All networks of a population learn in the same dispatches, each with its own grids.
 *
 * How errors are weighed is the block's own affair: the paper weighs them by the diagonal of the Fisher
 * information.
 *
 * @param device Where to learn.
 * @param block Weights, activations, and how its error is measured.
 * @param plan Steps, rates and penalty.
 * @returns One a network: rounded weights, activation grids, losses. Same seeds, same bits on one adapter.
 * @throws {RangeError} If plan, weights and grids do not fit, a loss is not finite, with its step, or a
 *   learned factor is not finite, with the name of the weight or layer.
 * @see Li et al. 2021, arXiv:2102.05426; Wei et al. 2022, arXiv:2203.05740 (QDrop)
 */
export async function reconstructBlock(
  device: Device,
  block: ReconstructionBlock,
  plan: ReconstructionPlan,
): Promise<BlockReconstruction[]> {
  checkReconstructionPlan(plan);
  using _scope = device.scope();
  const networks = block.seeds.length;
  const learned = learnedGrids(device, block.weights, block.activations ?? [], networks);
  const { program, lossLog } = recordStep(device, block, plan, learned);
  using _program = program;
  let log: ArrayLike<number> = [];
  for (let done = 0; done < plan.steps; done += STEPS_AT_ONCE) {
    const end = Math.min(done + STEPS_AT_ONCE, plan.steps);
    program.run(end - done);
    log = await read(lossLog);
    checkLosses(block, log, done, end);
  }
  const rounded = await learned.harden();
  return rounded.map((network, p) => ({
    ...network,
    losses: Array.from({ length: plan.steps }, (_, step) => log[step * networks + p]),
  }));
}
