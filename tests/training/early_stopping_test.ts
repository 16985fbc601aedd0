import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { earlyStopping } from "../../training/mod.ts";

Deno.test("earlyStopping() waits as many epochs as it has patience, from the first of equals on", () => {
  assert.deepEqual(earlyStopping([], 1), { best: -1, shouldStop: false });
  assert.deepEqual(earlyStopping([0], 1), { best: 0, shouldStop: false });
  assert.deepEqual(earlyStopping([0.3, 0.3], 1), { best: 0, shouldStop: true });
  const accuracies = [0.1, 0.4, 0.3, 0.4, 0.2];
  const stops = [1, 2, 3, 4].map((patience) => earlyStopping(accuracies, patience).shouldStop);
  assert.deepEqual(stops, [true, true, true, false]);
});

Deno.test("earlyStopping() stops exactly where the last better accuracy is too long ago", () => {
  const history = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(history, fc.integer({ min: 1, max: 6 }), (tenths, patience) => {
    const { best, shouldStop } = earlyStopping(tenths.map((n) => n / 10), patience);
    assert.ok(tenths.every((n, i) => i < best ? n < tenths[best] : n <= tenths[best]));
    const recent = tenths.slice(-patience);
    const before = tenths.slice(0, -patience);
    assert.equal(shouldStop, Math.max(...before, -1) >= Math.max(...recent) && before.length > 0);
  }));
});

Deno.test("earlyStopping() refuses a patience below one epoch", () => {
  for (const patience of [0, 1.5, NaN]) {
    assert.throws(() => earlyStopping([0.5], patience), {
      name: "RangeError",
      message: `Cannot stop early: the patience must be a whole number from 1: ${patience}`,
    });
  }
});
