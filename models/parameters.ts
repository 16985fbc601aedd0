import {
  BINDING_ALIGNMENT,
  type Device,
  read,
  slice,
  type Tensor,
  tensor,
  write,
  zeros,
} from "../gpu/mod.ts";
import { randomSource } from "../kernels/mod.ts";
import type { Model, ParameterTensors } from "./model.ts";

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
}

/** Where every parameter of a population stands in one flat buffer. */
export interface ParameterLayout {
  /** Networks of the population. */
  readonly networks: number;
  /** One a parameter, in the order of the model. */
  readonly places: readonly ParameterPlace[];
  /** Elements in all, padding included. */
  readonly size: number;
}

/** The weights of P networks of one model: one flat buffer, and a view a parameter. */
export interface Parameters {
  /** What all its networks are. */
  readonly model: Model;
  /** Where each parameter stands. */
  readonly layout: ParameterLayout;
  /** Everything, `[size]`; what an optimizer steps over. */
  readonly flat: Tensor;
  /** Views by name, `[networks, ...shape]`. */
  readonly tensors: ParameterTensors;
}

/** Host values by parameter name, one network, in PyTorch's layout. */
export type HostParameters = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

function aligned(elements: number): number {
  return Math.ceil(elements / BINDING_ALIGNMENT) * BINDING_ALIGNMENT;
}

/**
 * Places the parameters of P networks in one buffer.
 *
 * Networks are the leading axis of every parameter, and every parameter starts where WebGPU can
 * bind it, so that a layer of all networks is one tensor and an optimizer is one dispatch.
 *
 * @param model The model.
 * @param networks How many networks.
 * @returns Offsets and the total size, in elements.
 */
export function layoutParameters(model: Model, networks: number): ParameterLayout {
  let offset = 0;
  const places = model.parameters.map(({ name, shape }) => {
    const size = shape.reduce((product, axis) => product * axis, 1);
    const place = { name, shape, size, offset };
    offset += aligned(networks * size);
    return place;
  });
  return { networks, places, size: offset };
}

/**
 * Looks at the parameters inside a flat buffer.
 *
 * @param layout Where they stand.
 * @param flat `[layout.size]`.
 * @returns A view a parameter, `[networks, ...shape]`.
 */
export function viewParameters(layout: ParameterLayout, flat: Tensor): ParameterTensors {
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
    model.parameters.map(({ name, shape, bound }, stream) => {
      const random = randomSource(seed, stream);
      const size = shape.reduce((product, axis) => product * axis, 1);
      return [name, Float32Array.from({ length: size }, () => (2 * random() - 1) * bound)];
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
  const flat = tensor(device, pack(layout, networks));
  return { model, layout, flat, tensors: viewParameters(layout, flat) };
}

/**
 * Overwrites the weights of a population.
 *
 * @param parameters The population.
 * @param networks Values of each network, as many as it has.
 */
export function writeParameters(parameters: Parameters, networks: readonly HostParameters[]): void {
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
  const flat = zeros(device, [layout.size]);
  return { model, layout, flat, tensors: viewParameters(layout, flat) };
}

/**
 * Waits for the GPU and copies a population's weights back.
 *
 * @param parameters The population.
 * @returns Values of each network.
 */
export async function readParameters(parameters: Parameters): Promise<HostParameters[]> {
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
