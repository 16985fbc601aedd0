import assert from "node:assert/strict";
import { backward, crossEntropy } from "../../autograd/mod.ts";
import { read, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("regularization");
const LABELS = Uint32Array.from(fixture.get("labels").data as Int32Array);
const SHAPE = [1, LABELS.length, 7];

for (const labelSmoothing of [0.1, 0.5]) {
  Deno.test(`crossEntropy() smooths labels as PyTorch does: ${labelSmoothing}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const logits = tensor(device, fixture.floats("logits"), SHAPE);
    const losses = crossEntropy(logits, tensor(device, LABELS), { labelSmoothing });
    const gradient = backward(losses, [logits]).get(logits)!;
    const found = { losses: await read(losses), gradient: await read(gradient) };
    for (const [name, values] of Object.entries(found)) {
      const wanted = fixture.floats(`smoothing${labelSmoothing}.${name}`);
      const error = relativeError(values, wanted);
      assert.ok(error < 1e-6, `${name}: relative error ${error}`);
    }
  });
}

Deno.test("crossEntropy() without smoothing gives the bits of no option, with full smoothing no label counts", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const logits = tensor(device, fixture.floats("logits"), SHAPE);
  const labels = tensor(device, LABELS);
  const others = tensor(device, LABELS.map((label) => (label + 1) % 7));
  const lossesOf = (of: typeof labels, labelSmoothing?: number) =>
    read(crossEntropy(logits, of, { labelSmoothing }));
  const plain = await read(crossEntropy(logits, labels));
  assert.deepEqual(await lossesOf(labels, 0), plain);
  assert.notDeepEqual(await lossesOf(labels, 0.1), plain);
  assert.deepEqual(await lossesOf(labels, 1), await lossesOf(others, 1));
});

Deno.test("crossEntropy() refuses a smoothing outside 0 to 1", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const logits = tensor(device, fixture.floats("logits"), SHAPE);
  for (const labelSmoothing of [-0.1, 1.5, NaN]) {
    assert.throws(() => crossEntropy(logits, tensor(device, LABELS), { labelSmoothing }), {
      name: "RangeError",
      message: "Cannot compute the cross-entropy: the label smoothing must be from 0 to 1: " +
        labelSmoothing,
    });
  }
});
