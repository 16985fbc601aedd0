import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsTensor,
  UserError,
} from "../formats/mod.ts";
import {
  type HostParameters,
  type Model,
  type ParameterSpec,
  readParameters,
  trainableLayout,
} from "../models/mod.ts";
import { checkFiniteWeights, nonFiniteValues } from "./finite_weights.ts";
import type { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./training_state.ts";

/** Prefix of the optimizer's tensors in a checkpoint: `optimizer.m.fc1.weight`. */
const OPTIMIZER = "optimizer.";
/**
 * Prefix of the weights that training goes on from, where those by plain name are their average or what
 * they are rounded to.
 */
const UNAVERAGED = "unaveraged.";

/**
 * Tells the tensors of a checkpoint that only training goes on from: the optimizer's, and weights before
 * they are averaged or rounded.
 *
 * @param name Of a tensor in the file.
 * @returns True if it is no part of the network.
 */
export function isForTraining(name: string): boolean {
  return name.startsWith(OPTIMIZER) || name.startsWith(UNAVERAGED);
}

/** A network in a file: PyTorch's names and layout, and what made it. */
export interface SavedNetwork {
  /** Weights by name: what the network is, averaged or rounded if its plan asked for it. */
  readonly parameters: HostParameters;
  /** The weights that training goes on from, if `parameters` are their average or rounded from them. */
  readonly unaveraged?: HostParameters;
  /** Optimizer state by its name, if it can be trained on. */
  readonly state: Readonly<Record<string, HostParameters>>;
  /** Free text by key: model, seed, steps done. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What an optimizer keeps state of. */
function trained(model: Model): ParameterSpec[] {
  return model.parameters.filter(({ isBuffer }) => !isBuffer);
}

/**
 * Writes a network as a safetensors file.
 *
 * @param model The model.
 * @param network Weights, optimizer state and metadata.
 * @returns The file.
 */
export function encodeNetwork(model: Model, network: SavedNetwork): Uint8Array {
  const tensors = new Map<string, SafetensorsTensor>();
  const put = (prefix: string, specs: readonly ParameterSpec[], values: HostParameters) => {
    for (const { name, shape } of specs) {
      tensors.set(prefix + name, { dtype: "F32", shape, data: values[name] });
    }
  };
  put("", model.parameters, network.parameters);
  if (network.unaveraged !== undefined) put(UNAVERAGED, model.parameters, network.unaveraged);
  for (const [name, values] of Object.entries(network.state)) {
    put(`${OPTIMIZER}${name}.`, trained(model), values);
  }
  return encodeSafetensors(tensors, { format: "pt", ...network.metadata });
}

/**
 * Reads a network from a safetensors file and checks it against its model.
 *
 * A number that is not finite is refused, also in the optimizer's state, from where the next step would
 * take it into a weight.
 *
 * @param model What the file must hold.
 * @param bytes The file.
 * @param label What to call it in an error, such as its path.
 * @returns Weights, optimizer state and metadata.
 * @throws {UserError} If tensors are missing, unknown or misshaped: names and shapes of all of them; or
 *   hold values that are not finite: all such tensors, each with the index of the first.
 */
export function decodeNetwork(model: Model, bytes: Uint8Array, label: string): SavedNetwork {
  const { tensors, metadata } = decodeSafetensors(bytes, label);
  const states = new Set<string>();
  for (const name of tensors.keys()) {
    if (name.startsWith(OPTIMIZER)) states.add(name.split(".")[1]);
  }
  const complaints: string[] = [];
  const notFinite: string[] = [];
  const known = new Set<string>();
  const take = (prefix: string, specs: readonly ParameterSpec[]): HostParameters => {
    const entries = specs.map(({ name, shape }) => {
      known.add(prefix + name);
      const found = tensors.get(prefix + name);
      const wanted = `${prefix}${name} [${shape}]`;
      if (found === undefined) complaints.push(`${wanted} is missing`);
      else if (found.dtype !== "F32" || `${found.shape}` !== `${shape}`) {
        complaints.push(`${wanted} is ${found.dtype} [${found.shape}]`);
      } else {
        const values = Float32Array.from(found.data);
        notFinite.push(...nonFiniteValues({ [prefix + name]: values }));
        return [name, values] as const;
      }
      return [name, new Float32Array()] as const;
    });
    return Object.fromEntries(entries);
  };
  const parameters = take("", model.parameters);
  const isAveraged = [...tensors.keys()].some((name) => name.startsWith(UNAVERAGED));
  const unaveraged = isAveraged ? { unaveraged: take(UNAVERAGED, model.parameters) } : {};
  const state = Object.fromEntries(
    [...states].map((name) => [name, take(`${OPTIMIZER}${name}.`, trained(model))]),
  );
  for (const [name, { shape }] of tensors) {
    // PyTorch's batch norm counts its batches, which nothing here asks for
    const asked = name.replace(/\.num_batches_tracked$/, ".running_mean");
    if (!known.has(asked)) complaints.push(`${name} [${shape}] is unknown`);
  }
  if (complaints.length > 0) {
    throw new UserError(
      `Cannot load "${label}" as ${model.title}: tensors must fit: ${complaints.join("; ")}`,
    );
  }
  if (notFinite.length > 0) {
    throw new UserError(
      `Cannot load "${label}" as ${model.title}: every value must be finite: ${
        notFinite.join("; ")
      }`,
    );
  }
  return { parameters, ...unaveraged, state, metadata: metadata ?? {} };
}

/**
 * Takes a network out of training, with all that it takes to go on.
 *
 * @param trainer The population.
 * @param network Which of its networks.
 * @returns Weights, optimizer state, seed and steps done; where weights are averaged or rounded beside shadow weights, both.
 * @throws {NonFiniteWeightError} If a weight is not finite.
 */
export async function captureNetwork(trainer: Trainer, network: number = 0): Promise<SavedNetwork> {
  const { parameters, evaluated, state, seeds, stepsDone, model } = trainer;
  const layout = trainableLayout(parameters.layout);
  const [values, shown, ...states] = await Promise.all([
    readParameters(parameters),
    evaluated === parameters ? undefined : readParameters(evaluated),
    ...Object.values(state).map((flat) => readParameters({ layout, flat })),
  ]);
  checkFiniteWeights(values[network], seeds[network], stepsDone);
  return {
    parameters: (shown ?? values)[network],
    ...shown && { unaveraged: values[network] },
    state: Object.fromEntries(Object.keys(state).map((name, i) => [name, states[i]![network]])),
    metadata: { model: model.title, seed: `${seeds[network]}`, steps: `${stepsDone}` },
  };
}

/**
 * Turns a saved network into the options that go on training it, bit for bit.
 *
 * @param saved From {@link captureNetwork} or a file.
 * @returns Seeds, weights, optimizer state and steps done.
 * @throws {UserError} If it does not say its seed and steps.
 */
export function resumeOptions(saved: SavedNetwork): TrainerOptions {
  const seed = Number(saved.metadata.seed ?? NaN);
  const stepsDone = Number(saved.metadata.steps ?? NaN);
  if (!Number.isInteger(seed) || !Number.isInteger(stepsDone)) {
    throw new UserError(
      "Cannot resume training: the checkpoint must name its seed and steps: metadata has " +
        (Object.keys(saved.metadata).join(", ") || "nothing"),
    );
  }
  return {
    seeds: [seed],
    stepsDone,
    initial: [saved.unaveraged ?? saved.parameters],
    ...saved.unaveraged && { average: [saved.parameters] },
    state: Object.fromEntries(Object.entries(saved.state).map(([name, s]) => [name, [s]])),
  };
}
