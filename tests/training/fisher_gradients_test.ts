import assert from "node:assert/strict";
import { linear, relu } from "../../autograd/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { fisherGradients } from "../../training/fisher_gradients.ts";
import { testDevice } from "../support/device.ts";

const ROWS = 20_000;
const FEATURES = 3;
const CLASSES = 4;
const output = [0.7, -0.4, 1.3];
const weight = [0.9, -0.2, 0.4, -0.6, 0.8, 0.1, 0.3, 0.5, -1.1, 0.2, -0.7, 0.6];
const bias = [0.1, -0.3, 0.2, 0];

/** diag(J^T (diag(p) - p p^T) J), from the definition. */
function fisherDiagonal(): { ofLogits: number[]; ofOutput: number[] } {
  const hidden = output.map((value) => Math.max(value, 0));
  const logits = bias.map((b, c) =>
    b + hidden.reduce((sum, h, f) => sum + h * weight[c * FEATURES + f], 0)
  );
  const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
  const p = logits.map((value) => Math.exp(value) / total);
  const covariance = (c: number, d: number) => (c === d ? p[c] : 0) - p[c] * p[d];
  const classes = [...p.keys()];
  const slope = (c: number, f: number) => output[f] > 0 ? weight[c * FEATURES + f] : 0;
  return {
    ofLogits: classes.map((c) => covariance(c, c)),
    ofOutput: output.map((_, f) =>
      classes.flatMap((c) => classes.map((d) => slope(c, f) * covariance(c, d) * slope(d, f)))
        .reduce((a, b) => a + b)
    ),
  };
}

Deno.test("fisherGradients() has the diagonal of the Fisher information for its mean square", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const seeds = [3, 8];
  const repeated = Float32Array.from(
    { length: seeds.length * ROWS * FEATURES },
    (_, i) => output[i % FEATURES],
  );
  const y = tensor(device, repeated, [seeds.length, ROWS, FEATURES]);
  const twice = (values: number[]) => Float32Array.from([...values, ...values]);
  const logits = linear(
    relu(y),
    tensor(device, twice(weight), [seeds.length, CLASSES, FEATURES]),
    tensor(device, twice(bias), [seeds.length, CLASSES]),
  );
  const drawn = (step: number) => ({
    clock: tensor(device, Uint32Array.of(step)),
    seeds: tensor(device, Uint32Array.from(seeds)),
  });
  const { ofLogits, ofOutput } = fisherDiagonal();
  const gradients = await read(fisherGradients(logits, y, drawn(5)));
  const ofLast = await read(fisherGradients(logits, logits, drawn(5)));
  for (const [values, wanted] of [[gradients, ofOutput], [ofLast, ofLogits]] as const) {
    for (const network of seeds.keys()) {
      wanted.forEach((diagonal, i) => {
        let sum = 0;
        for (let row = 0; row < ROWS; row++) {
          sum += values[(network * ROWS + row) * wanted.length + i] ** 2;
        }
        const found = sum / ROWS;
        assert.ok(
          Math.abs(found - diagonal) <= 0.05 * diagonal,
          `network ${network}, element ${i}: ${found} against ${diagonal}`,
        );
      });
    }
  }
  assert.deepEqual(await read(fisherGradients(logits, y, drawn(5))), gradients);
  assert.notDeepEqual(await read(fisherGradients(logits, y, drawn(6))), gradients);
  const half = gradients.length / 2;
  assert.notDeepEqual(gradients.slice(0, half), gradients.slice(half));
});
