import assert from "node:assert/strict";
import {
  backward,
  learnedClipQuantize,
  type LearnedGrid,
  learnedStepQuantize,
} from "../../autograd/mod.ts";
import { readAll, type Tensor, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";
import { torchFixture } from "../support/torch_fixture.ts";
import { centralDifference, dot } from "./central_difference.ts";

const fixture = torchFixture("learned_step");

function agrees(found: ArrayLike<number>, wanted: ArrayLike<number>, what: string): void {
  assert.equal(found.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(found[i] - wanted[i]);
    assert.ok(error <= 1e-5 * (1 + Math.abs(wanted[i])), `${what}[${i}]: ${found[i]} ${wanted[i]}`);
  }
}

for (const name of ["tensor", "channel", "plus", "signs", "pact"]) {
  Deno.test(`learnedStepQuantize() agrees with PyTorch: ${name}`, async () => {
    const device = await testDevice();
    using _scope = device.scope();
    const put = (key: string) => {
      const { shape } = fixture.get(`${name}.${key}`);
      return tensor(device, fixture.floats(`${name}.${key}`), shape);
    };
    const [x, step, limits, seed] = ["x", "step", "limits", "dy"].map(put);
    const offset = name === "plus" ? put("offset") : undefined;
    const [, inner] = x.shape;
    const levels = name === "signs" ? "signs" : "integers";
    const y = name === "pact"
      ? learnedClipQuantize(x, { clip: step, limits, inner })
      : learnedStepQuantize(x, { step, offset, limits, inner, levels, count: inner });
    const learned = offset === undefined ? [step] : [step, offset];
    const gradients = backward(y, [x, ...learned], { seed });
    const outputs = [y, ...[x, ...learned].map((one) => gradients.get(one)!)];
    const keys = ["y", "dx", "dStep", "dOffset"].slice(0, outputs.length);
    (await readAll(outputs)).forEach((values, i) =>
      agrees(values, fixture.floats(`${name}.${keys[i]}`), `${name} ${keys[i]}`)
    );
  });
}

const X = [-3, -0.9, -0.3, 0.1, 0.4, 0.8, 2.1, 5];
const WEIGHTS = X.map((_, i) => Math.sin(1 + i));

/** The surrogate whose exact gradient LSQ is: the rounding error stands still. */
function surrogate(at: Readonly<Record<"x" | "step" | "offset", Float64Array>>) {
  const clamp = (v: number) => Math.min(Math.max(v, -2), 3);
  const place = (x: number, { step, offset }: typeof at) => (x - offset[0]) / step[0];
  const errors = at.x.map((x) => Math.round(clamp(place(x, at))) - clamp(place(x, at)));
  return (moved: Readonly<Record<string, Float64Array>>) => {
    const now = moved as typeof at;
    const y = now.x.map((x, i) => (clamp(place(x, now)) + errors[i]) * now.step[0] + now.offset[0]);
    return dot(y, WEIGHTS);
  };
}

Deno.test("learnedStepQuantize() differentiates its surrogate by x, step and offset", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const at = {
    x: Float64Array.from(X),
    step: Float64Array.of(0.7),
    offset: Float64Array.of(0.2),
  };
  const x = tensor(device, X);
  const step = tensor(device, [0.7]);
  const offset = tensor(device, [0.2]);
  const limits = tensor(device, [-2, 3]);
  const y = learnedStepQuantize(x, { step, offset, limits, inner: X.length });
  const found = backward(y, [x, step, offset], { seed: tensor(device, WEIGHTS) });
  const values = await readAll([x, step, offset].map((one) => found.get(one)!));
  (["x", "step", "offset"] as const).forEach((name, i) =>
    agrees(values[i], centralDifference(surrogate(at), at, name), name)
  );
});

async function quantized(x: number[], grid: (put: (v: number[]) => Tensor) => LearnedGrid) {
  const device = await testDevice();
  using _scope = device.scope();
  const given = grid((values) => tensor(device, values));
  const input = tensor(device, x);
  const y = learnedStepQuantize(input, given);
  const gradients = backward(y, [given.step], { seed: tensor(device, x.map(() => 1)) });
  const [values, dStep] = await readAll([y, gradients.get(given.step)!]);
  return { values: [...values], dStep: [...dStep] };
}

Deno.test("learnedStepQuantize() keeps a step above its floor, and lets it come back", async () => {
  for (const learned of [0, -3]) {
    const { values, dStep } = await quantized([-1, 2], (put) => ({
      step: put([learned]),
      limits: put([-2, 1]),
      inner: 2,
      floor: 0.25,
    }));
    assert.deepEqual(values, [-0.5, 0.25]);
    assert.deepEqual(dStep, [-2 + 1]);
  }
});

Deno.test("learnedStepQuantize() does not hide what is not finite", async () => {
  const limits = (put: (v: number[]) => Tensor) => ({ limits: put([-2, 1]), inner: 2 });
  const ofInput = await quantized([NaN, 1], (put) => ({ step: put([1]), ...limits(put) }));
  assert.deepEqual(ofInput.values, [NaN, 1]);
  const ofStep = await quantized([0.5, 1], (put) => ({ step: put([NaN]), ...limits(put) }));
  assert.deepEqual(ofStep.values, [NaN, NaN]);
});

Deno.test("learnedStepQuantize() refuses limits that do not fit its steps", async () => {
  await assert.rejects(
    quantized([1, 2, 3], (put) => ({ step: put([1, 1]), limits: put([0, 1]), inner: 2 })),
    {
      name: "RangeError",
      message:
        "Cannot quantize x with 2 learned steps: it must hold whole groups of 2 channels x " +
        "2 elements, and every step needs 2 limits: x is [3], limits are [2]",
    },
  );
});
