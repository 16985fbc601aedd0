import assert from "node:assert/strict";
import { backward, crossEntropy } from "../../autograd/mod.ts";
import { read, run, tensor, zeros } from "../../gpu/mod.ts";
import { trainingClockKernels } from "../../kernels/mod.ts";
import { fcNN, readParameters, uploadParameters, zeroParameters } from "../../models/mod.ts";
import { adam, type Optimizer, sgd, stepTable } from "../../training/mod.ts";
import { optimizerState, optimizerStep } from "../../training/optimizer.ts";
import { testDevice } from "../support/device.ts";
import { relativeError } from "../support/relative_error.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("fc_nn");
const model = fcNN({ inputShape: [1, 4, 5], hidden: [12, 8] });
const ROWS = 16;
const STEPS = 10;

/** The optimizers that PyTorch trained the fixture with. */
const OPTIMIZERS: Readonly<Record<string, Optimizer>> = {
  adam: adam({ learningRate: 0.01 }),
  sgd: sgd({ learningRate: 0.1, momentum: 0.9 }),
  adamw: adam({ learningRate: 0.01, weightDecay: 0.5 }),
  sgd_nesterov: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
};

for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  Deno.test(`optimizerStep() follows PyTorch for ten steps of ${name}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const x = tensor(device, fixture.floats("x"), [1, ROWS, 20]);
    const labels = tensor(device, Uint32Array.from(fixture.get("labels").data as Int32Array));
    const parameters = uploadParameters(device, model, [fixture.parameters(model, "initial")]);
    const gradients = zeroParameters(device, model, 1);
    const state = optimizerState(device, optimizer, parameters.flat.size);
    const clock = zeros(device, [1], "u32");
    const lossLog = zeros(device, [STEPS, 1]);
    const table = tensor(device, stepTable(optimizer, { kind: "constant" }, STEPS));
    const into = new Map(
      Object.entries(parameters.tensors).map(([key, t]) => [t, gradients.tensors[key]]),
    );
    for (let step = 0; step < STEPS; step++) {
      const losses = crossEntropy(model.forward(parameters.tensors, x), labels);
      backward(losses, Object.values(parameters.tensors), { into });
      const { flat: parameter, layout: { decayedSize } } = parameters;
      const gradient = gradients.flat;
      optimizerStep(optimizer, { parameter, gradient, state, clock, table, decayedSize });
      const params = { networks: 1, batch: ROWS, capacity: STEPS };
      run(trainingClockKernels.advance, { losses, clock, lossLog }, params);
    }
    const losses = relativeError(await read(lossLog), fixture.floats(`${name}.losses`));
    assert.ok(losses < 1e-6, `losses: relative error ${losses}`);
    const [trained] = await readParameters(parameters);
    for (const [key, values] of Object.entries(trained)) {
      const error = relativeError(values, fixture.floats(`${name}.${key}`));
      assert.ok(error < 1e-5, `${key}: relative error ${error}`);
    }
  });
}
