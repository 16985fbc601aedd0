import assert from "node:assert/strict";
import type {
  GradientSpec,
  Kernel,
  KernelCase,
  KernelRoom,
  ReferenceInputs,
} from "../../gpu/mod.ts";
import { kernelRooms, makeInputs, randomInteger, randomSource } from "../../kernels/mod.ts";

const STEP = 1e-6;
const ELEMENTS = 12;
const RANDOM_CASES = 3;
/** A reference is evaluated twice an element: larger cases would take minutes. */
const MOST_OPERATIONS = 2e6;

function writerOf({ kernels }: KernelRoom, name: string): Kernel {
  const found = kernels.find(({ spec }) => spec.writes.includes(name));
  assert.ok(found !== undefined, `no entry writes "${name}"`);
  return found;
}

/** A declared gradient with the entries that it speaks of. */
interface Declared {
  readonly gradient: GradientSpec;
  readonly forward: Kernel;
  readonly backward: Kernel;
}

function declaredBy(room: KernelRoom): Declared[] {
  return (room.family.gradients ?? []).map((gradient) => ({
    gradient,
    forward: room.kernels.find(({ entry }) => entry === gradient.forward) ??
      writerOf(room, gradient.output),
    backward: writerOf(room, gradient.gradient),
  }));
}

/** Compares the gradient at some elements with central differences of the float64 reference. */
function checkCase({ gradient, forward, backward }: Declared, given: KernelCase, seed: number) {
  const { family } = forward;
  const { params } = given;
  const constants = { ...family.constants, ...given.constants, ...gradient.constants };
  const inputs: Record<string, Float64Array> = {};
  for (const kernel of [backward, forward]) {
    for (const [name, data] of Object.entries(makeInputs(kernel, params, constants, seed))) {
      inputs[name] = Float64Array.from(data);
    }
  }
  const outputsOf = (kernel: Kernel, of: ReferenceInputs) =>
    family.reference(of, params, constants, kernel.entry);
  const outputs = outputsOf(forward, inputs);
  const saved = Object.entries(gradient.saved ?? {}).map(([name, output]) =>
    [name, Float64Array.from(outputs[output]!)] as const
  );
  const found = outputsOf(backward, { ...inputs, ...Object.fromEntries(saved) })[gradient.gradient];
  const weightOf = (i: number) => inputs[gradient.seed]?.[i] ?? params[gradient.seed];

  const input = inputs[gradient.input];
  const random = randomSource(seed, 7);
  for (let n = 0; n < Math.min(ELEMENTS, input.length); n++) {
    const at = input.length <= ELEMENTS ? n : randomInteger(random, 0, input.length - 1);
    const moved = (by: number) => {
      const values = input.slice();
      values[at] += by;
      return outputsOf(forward, { ...inputs, [gradient.input]: values })[gradient.output]!;
    };
    const [above, below] = [moved(STEP), moved(-STEP)];
    let wanted = 0;
    for (let i = 0; i < above.length; i++) {
      wanted += weightOf(i) * (above[i] - below[i]) / (2 * STEP);
    }
    // an input that several networks share has one gradient a network
    let sum = 0;
    for (let i = at; i < found!.length; i += input.length) sum += found![i];
    const error = Math.abs(sum - wanted);
    assert.ok(
      error <= 1e-7 * (1 + Math.abs(wanted)),
      `${gradient.gradient}[${at}] is ${sum}, central difference ${wanted}: ` +
        JSON.stringify({ ...params, ...constants }),
    );
  }
}

for (const room of kernelRooms) {
  for (const declared of declaredBy(room)) {
    const { family, label } = declared.backward;
    const { gradient, input, output } = declared.gradient;
    Deno.test(`${label} ${gradient} is the derivative of ${output} by ${input}`, () => {
      const random = randomSource(5);
      const drawn = Array.from({ length: RANDOM_CASES }, () => family.randomCase?.(random));
      const cases = [...family.cases, ...drawn].filter((given) => given !== undefined)
        .filter(({ entries }) => entries?.includes(declared.forward.entry) ?? true)
        .filter(({ params, constants }) =>
          declared.forward.spec.flops(params, { ...family.constants, ...constants }) <
            MOST_OPERATIONS
        );
      assert.ok(cases.length >= 3, "a gradient needs cases small enough to differentiate");
      cases.forEach((given, seed) => checkCase(declared, given, seed + 1));
    });
  }
}

Deno.test("kernelRooms declare the gradient of every layer and loss", () => {
  const families = kernelRooms.filter((room) => declaredBy(room).length > 0)
    .map(({ family }) => family.name);
  const layers = [
    ...["average_pool", "batch_norm", "conv2d", "dropout", "max_pool", "relu", "shortcut"],
    ...["log_softmax", "nll", "soft_round", "softmax_nll", "squared_error"],
  ];
  for (const name of layers) {
    assert.ok(families.includes(name), `${name} declares no gradient`);
  }
});
