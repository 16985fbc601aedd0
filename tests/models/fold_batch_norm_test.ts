import assert from "node:assert/strict";
import { randomSource, standardNormal } from "../../kernels/mod.ts";
import { fcNN, foldBatchNorms, type HostParameters, type Model } from "../../models/mod.ts";
import fc from "../support/fast_check.ts";

const EPSILON = 1e-5;

/** A linear layer with a batch norm behind it, as far as folding is concerned. */
function normedLayer(inputs: number, outputs: number, hasBias: boolean): Model {
  const plain = fcNN({ inputShape: [1, 1, inputs], hidden: [], classes: outputs });
  const [weight, bias] = plain.parameters;
  const norm = ["weight", "bias", "running_mean", "running_var"].map((name) => ({
    name: `bn1.${name}`,
    shape: [outputs],
    bound: 0,
  }));
  return {
    ...plain,
    parameters: [weight, ...(hasBias ? [bias] : []), ...norm],
    batchNorms: {
      places: [{ layer: "fc1", norm: "bn1", epsilon: EPSILON }],
      folded: () => plain,
    },
  };
}

/** What the layer and its norm infer, in float64. */
function infer(parameters: HostParameters, x: readonly number[], outputs: number): number[] {
  const of = (name: string, o: number, otherwise: number) => parameters[name]?.[o] ?? otherwise;
  return Array.from({ length: outputs }, (_, o) => {
    const y = x.reduce(
      (sum, value, i) => sum + value * parameters["fc1.weight"][o * x.length + i],
      of("fc1.bias", o, 0),
    );
    const deviation = Math.sqrt(of("bn1.running_var", o, 1 - EPSILON) + EPSILON);
    const normal = (y - of("bn1.running_mean", o, 0)) / deviation;
    return normal * of("bn1.weight", o, 1) + of("bn1.bias", o, 0);
  });
}

Deno.test("foldBatchNorms() leaves what is inferred as it was, with a bias or without", () => {
  const sizes = fc.record({
    inputs: fc.integer({ min: 1, max: 9 }),
    outputs: fc.integer({ min: 1, max: 7 }),
    hasBias: fc.boolean(),
    seed: fc.nat(),
  });
  fc.assert(fc.property(sizes, ({ inputs, outputs, hasBias, seed }) => {
    const random = randomSource(seed);
    const model = normedLayer(inputs, outputs, hasBias);
    const draw = (name: string, size: number) =>
      Float32Array.from({ length: size }, () => {
        const value = standardNormal(random);
        return name.endsWith("var") ? 0.01 + value * value : value;
      });
    const parameters: HostParameters = Object.fromEntries(
      model.parameters.map(({ name, shape }) => [name, draw(name, shape.reduce((a, b) => a * b))]),
    );
    const x = Array.from({ length: inputs }, () => standardNormal(random));
    const folded = foldBatchNorms(model, parameters);
    assert.deepEqual(Object.keys(folded.parameters), ["fc1.weight", "fc1.bias"]);
    const found = infer(folded.parameters, x, outputs);
    infer(parameters, x, outputs).forEach((wanted, o) => {
      // terms may cancel, so the error is that of the largest of them: weights up to about 40
      assert.ok(
        Math.abs(found[o] - wanted) < 1e-5 * (40 + Math.abs(wanted)),
        `${found[o]} ${wanted}`,
      );
    });
  }));
});

Deno.test("foldBatchNorms() leaves a model without norms as it is", () => {
  const model = fcNN();
  const parameters = { "fc1.weight": new Float32Array(1) };
  assert.deepEqual(foldBatchNorms(model, parameters), { model, parameters });
});

Deno.test("foldBatchNorms() refuses parameters of another model", () => {
  const model = normedLayer(2, 3, false);
  const parameters = Object.fromEntries(
    model.parameters.map(({ name }) => [name, new Float32Array(3)]),
  );
  assert.throws(() => foldBatchNorms(model, parameters), {
    name: "RangeError",
    message: 'Cannot fold batch norms: "fc1.weight" must have 6 elements: 3',
  });
});
