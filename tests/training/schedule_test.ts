import assert from "node:assert/strict";
import { adam, learningRateAt, type Schedule, sgd, stepTable } from "../../training/mod.ts";
import { torchFixture } from "../support/torch_fixture.ts";

const fixture = torchFixture("fc_nn");

/** The schedules that PyTorch was asked for, each with a peak of 0.3. */
const SCHEDULES: Readonly<Record<string, Schedule>> = {
  one_cycle: { kind: "one_cycle", warmup: 0.3 },
  one_cycle_short: { kind: "one_cycle", warmup: 0.1 },
  cosine: { kind: "cosine", finalFraction: 0.1 },
};

for (const [name, schedule] of Object.entries(SCHEDULES)) {
  Deno.test(`learningRateAt() gives PyTorch's rates: ${name}`, () => {
    const wanted = fixture.get(`rates.${name}`).data as Float64Array;
    wanted.forEach((rate, step) => {
      const found = learningRateAt(schedule, 0.3, step, wanted.length);
      assert.ok(Math.abs(found - rate) < 1e-12, `step ${step} is ${found}, PyTorch ${rate}`);
    });
  });
}

Deno.test("learningRateAt() is the peak throughout where it is constant", () => {
  for (const step of [0, 5, 9]) {
    assert.equal(learningRateAt({ kind: "constant" }, 0.3, step, 10), 0.3);
  }
});

Deno.test("learningRateAt() is finite and positive in runs of one step", () => {
  for (const warmup of [0, 0.3, 1]) {
    for (const steps of [1, 2, 3]) {
      for (let step = 0; step < steps; step++) {
        const rate = learningRateAt({ kind: "one_cycle", warmup }, 0.3, step, steps);
        assert.ok(rate > 0 && rate <= 0.3, `${rate} at step ${step} of ${steps}, warmup ${warmup}`);
      }
    }
  }
});

Deno.test("stepTable() holds rate and bias corrections of every step", () => {
  const table = stepTable(adam({ learningRate: 0.3 }), SCHEDULES.cosine, 50);
  assert.equal(table.length, 200);
  for (const step of [0, 1, 49]) {
    assert.deepEqual(
      [...table.subarray(4 * step, 4 * step + 4)],
      [
        learningRateAt(SCHEDULES.cosine, 0.3, step, 50),
        1 / (1 - 0.9 ** (step + 1)),
        1 / Math.sqrt(1 - 0.999 ** (step + 1)),
        0,
      ].map(Math.fround),
    );
  }
  const plain = stepTable(sgd({ learningRate: 0.5 }), { kind: "constant" }, 2);
  assert.deepEqual([...plain], [0.5, 0, 0, 0, 0.5, 0, 0, 0]);
});
