import {
  BINDING_ALIGNMENT,
  type Device,
  read,
  sizeOf,
  slice,
  type Tensor,
  tensor,
  write,
  zeros,
} from "../gpu/mod.ts";
import { randomSource } from "../kernels/mod.ts";
import type { Model, ParameterSpec, ParameterTensors } from "./model.ts";

/** Where one parameter of a population stands in the flat buffer, in elements. */
export interface ParameterPlace {
  /** PyTorch's name, such as `fc1.weight`. */
  readonly name: string;
  /** Shape in one network. */
  readonly shape: readonly number[];
  /** Elements of one network. */
  readonly size: number;
  /** First element in the flat buffer. */
  readonly offset: number;
  /** Kept but not trained. */
  readonly isBuffer: boolean;
}

/** Where every parameter of a population stands in one flat buffer. */
export interface ParameterLayout {
  /** Networks of the population. */
  readonly networks: number;
  /** One a parameter, in the order of the model. */
  readonly places: readonly ParameterPlace[];
  /** Leading elements that weight decay touches: trained weights, but no biases or norms. */
  readonly decayedSize: number;
  /** Leading elements that are trained, `decayedSize` included; buffers follow. */
  readonly trainableSize: number;
  /** Elements in all, padding included. */
  readonly size: number;
}

/** The weights of P networks of one model: one flat buffer, and a view a parameter. */
export interface Parameters {
  /** What all its networks are. */
  readonly model: Model;
  /** Where each parameter stands. */
  readonly layout: ParameterLayout;
  /** Everything, `[size]`. */
  readonly flat: Tensor;
  /** The part of `flat` that an optimizer steps over, `[trainableSize]`. */
  readonly trainable: Tensor;
  /** Views by name, `[networks, ...shape]`. */
  readonly tensors: ParameterTensors;
}

/** Host values by parameter name, one network, in PyTorch's layout. */
export type HostParameters = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

function aligned(elements: number): number {
  return Math.ceil(elements / BINDING_ALIGNMENT) * BINDING_ALIGNMENT;
}

/** Weights first, which decay; then biases and norms, which do not; then what is not trained. */
function groupOf({ shape, isBuffer }: ParameterSpec): number {
  if (isBuffer) return 2;
  return shape.length >= 2 ? 0 : 1;
}

/**
 * Places the parameters of P networks in one buffer.
 *
 * Networks are the leading axis of every parameter, and every parameter starts where WebGPU can
 * bind it, so that a layer of all networks is one tensor and an optimizer is one dispatch. What
 * decays, what is trained without decay and what is not trained each stand together.
 *
 * @param model The model.
 * @param networks How many networks.
 * @returns Offsets and sizes, in elements.
 */
export function layoutParameters(model: Model, networks: number): ParameterLayout {
  const offsets = new Map<ParameterSpec, number>();
  let end = 0;
  const [decayedSize, trainableSize, size] = [0, 1, 2].map((group) => {
    for (const spec of model.parameters.filter((one) => groupOf(one) === group)) {
      offsets.set(spec, end);
      end += aligned(networks * sizeOf(spec.shape));
    }
    return end;
  });
  const places = model.parameters.map((spec) => ({
    name: spec.name,
    shape: spec.shape,
    size: sizeOf(spec.shape),
    offset: offsets.get(spec)!,
    isBuffer: spec.isBuffer ?? false,
  }));
  return { networks, places, decayedSize, trainableSize, size };
}

/**
 * Cuts a layout off where training ends: what gradients and the state of an optimizer look like.
 *
 * @param layout Of all parameters.
 * @returns The same without buffers.
 */
export function trainableLayout(layout: ParameterLayout): ParameterLayout {
  const places = layout.places.filter(({ isBuffer }) => !isBuffer);
  return { ...layout, places, size: layout.trainableSize };
}

/**
 * Picks the parameters that are trained: what to differentiate by.
 *
 * @param parameters A population's.
 * @returns Views by name, in the order of the model.
 */
export function trainableTensors({ layout, tensors }: Parameters): ParameterTensors {
  return Object.fromEntries(
    trainableLayout(layout).places.map(({ name }) => [name, tensors[name]]),
  );
}

function parametersIn(model: Model, layout: ParameterLayout, flat: Tensor): Parameters {
  return {
    model,
    layout,
    flat,
    trainable: slice(flat, 0, [layout.trainableSize]),
    tensors: viewParameters(layout, flat),
  };
}

/**
 * Looks at the parameters inside a flat buffer.
 *
 * @param layout Where they stand.
 * @param flat `[layout.size]`.
 * @returns A view a parameter, `[networks, ...shape]`.
 */
function viewParameters(layout: ParameterLayout, flat: Tensor): ParameterTensors {
  return Object.fromEntries(
    layout.places.map(({ name, shape, offset }) => [
      name,
      slice(flat, offset, [layout.networks, ...shape]),
    ]),
  );
}

/**
 * Draws the initial values of one network.
 *
 * @param model The model.
 * @param seed Same seed, same values; parameter i uses stream i of it.
 * @returns Values by name.
 */
export function initialParameters(model: Model, seed: number): HostParameters {
  return Object.fromEntries(
    model.parameters.map(({ name, shape, bound, initial, settle }, stream) => {
      const size = sizeOf(shape);
      if (initial !== undefined) {
        const run = typeof initial === "number" ? [initial] : initial;
        return [name, Float32Array.from({ length: size }, (_, i) => run[i % run.length])];
      }
      const random = randomSource(seed, stream);
      const drawn = Float32Array.from({ length: size }, () => (2 * random() - 1) * bound);
      return [name, settle === undefined ? drawn : drawn.map(settle)];
    }),
  );
}

function pack(
  layout: ParameterLayout,
  networks: readonly HostParameters[],
): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.size);
  for (const { name, size, offset } of layout.places) {
    networks.forEach((network, p) => {
      const values = network[name];
      if (values?.length !== size) {
        throw new RangeError(
          `Cannot load parameter "${name}": it must have ${size} elements: ` +
            `${values === undefined ? "it is missing" : values.length}`,
        );
      }
      flat.set(values, offset + p * size);
    });
  }
  return flat;
}

/**
 * Uploads the weights of a population.
 *
 * @param device Where to.
 * @param model The model that all networks are of.
 * @param networks Values of each network.
 * @returns The population.
 * @throws {RangeError} If a parameter is missing or has another size.
 */
export function uploadParameters(
  device: Device,
  model: Model,
  networks: readonly HostParameters[],
): Parameters {
  const layout = layoutParameters(model, networks.length);
  return parametersIn(model, layout, tensor(device, pack(layout, networks)));
}

/** Numbers on the GPU, and what they are: all parameters, or a moment of the trained ones. */
export interface FlatParameters {
  /** Where each parameter stands. */
  readonly layout: ParameterLayout;
  /** `[layout.size]`. */
  readonly flat: Tensor;
}

/**
 * Overwrites the weights of a population.
 *
 * @param parameters The population.
 * @param networks Values of each network, as many as it has.
 * @throws {RangeError} If there are more or fewer networks, or a parameter is missing or misshaped.
 */
export function writeParameters(
  parameters: FlatParameters,
  networks: readonly HostParameters[],
): void {
  if (networks.length !== parameters.layout.networks) {
    throw new RangeError(
      `Cannot write parameters: the population has ${parameters.layout.networks} networks: ` +
        `${networks.length} were given`,
    );
  }
  write(parameters.flat, pack(parameters.layout, networks));
}

/**
 * Makes room for the weights of a population, all zero.
 *
 * @param device Where.
 * @param model The model.
 * @param networks How many networks.
 * @returns The population.
 */
export function zeroParameters(device: Device, model: Model, networks: number): Parameters {
  const layout = layoutParameters(model, networks);
  return parametersIn(model, layout, zeros(device, [layout.size]));
}

/**
 * Waits for the GPU and copies a population's weights back.
 *
 * @param parameters The population.
 * @returns Values of each network.
 */
export async function readParameters(parameters: FlatParameters): Promise<HostParameters[]> {
  const { layout } = parameters;
  const flat = await read(parameters.flat) as Float32Array<ArrayBuffer>;
  return Array.from({ length: layout.networks }, (_, p) =>
    Object.fromEntries(
      layout.places.map(({ name, size, offset }) => [
        name,
        flat.slice(offset + p * size, offset + (p + 1) * size),
      ]),
    ));
}
