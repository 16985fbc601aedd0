import assert from "node:assert/strict";
import { type BudgetPoint, findCliff } from "../../experiments/cliff.ts";

const FLOAT32 = [0.975, 0.977, 0.979, 0.976, 0.978];

/** Every seed loses `loss`, give or take `spread`. */
function point(budget: number, loss: number, spread = 1e-5, collapsed = 0): BudgetPoint {
  const wobble = [-1, 1, 0, 1, -1];
  return {
    budget,
    accuracies: FLOAT32.map((a, i) => a - loss + wobble[i] * spread),
    collapsed,
  };
}

const budgets = (report: ReturnType<typeof findCliff>) => report.cliffs.map((c) => c.budget);

Deno.test("findCliff() takes the smallest budget whose lower bound stays within delta", () => {
  const points = [
    point(8, 0),
    point(6, 0.0005),
    point(5, 0.003),
    point(4, 0.008),
    point(3, 0.04),
    point(2, 0.5),
    point(1, 0.88, 1e-5, 5),
  ];
  const report = findCliff(points, FLOAT32, "linear");
  assert.deepEqual(budgets(report), [6, 5, 4]);
  assert.deepEqual(report.cliffs.map((c) => c.nextBelow), [5, 4, 3]);
  assert.deepEqual(report.collapsed, [1]);
  assert.ok(Math.abs(report.cliffs[2].loss!.mean + 0.008) < 1e-12);
});

Deno.test("findCliff() goes by the lower bound, not by the mean", () => {
  const report = findCliff([point(8, 0), point(4, 0.004, 0.004)], FLOAT32, "linear");
  assert.deepEqual(budgets(report), [8, 8, 4]);
});

Deno.test("findCliff() does not take a lucky point in the fall for safe ground", () => {
  const report = findCliff(
    [point(8, 0), point(6, 0), point(5, 0.05), point(4, 0), point(3, 0.3)],
    FLOAT32,
    "linear",
  );
  assert.deepEqual(budgets(report), [6, 6, 6]);
});

Deno.test("findCliff() says that no budget is safe where none is", () => {
  const report = findCliff([point(8, 0.02), point(4, 0.3)], FLOAT32, "linear");
  assert.deepEqual(budgets(report), [undefined, undefined, undefined]);
  assert.equal(report.cliffs[0].nextBelow, 8);
});

Deno.test("findCliff() never calls a budget safe on the strength of one seed", () => {
  const single = { budget: 8, accuracies: [0.98], collapsed: 0 };
  assert.deepEqual(budgets(findCliff([single], [0.97], "linear")), [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("findCliff() finds the knee on the axis it is told, inside its bootstrap interval", () => {
  const fall = (bits: number) => bits < 4.5 ? 0.2 * (4.5 - bits) : 0;
  const linear = findCliff(
    [1, 2, 3, 4, 5, 6, 7, 8].map((b) => point(b, fall(b), 0.002)),
    FLOAT32,
    "linear",
  ).knee!;
  assert.ok(Math.abs(linear.budget - 4.5) < 0.05, `${linear.budget}`);
  assert.ok(linear.interval!.lower <= linear.budget && linear.budget <= linear.interval!.upper);

  const ratios = [1, 0.5, 0.25, 0.125, 0.0625, 0.03125];
  const log = findCliff(
    ratios.map((keep) => point(keep, 0.1 * Math.max(0, -Math.log2(keep) - 2.5), 0.001)),
    FLOAT32,
    "log2",
  ).knee!;
  assert.ok(Math.abs(Math.log2(log.budget) + 2.5) < 0.05, `${log.budget}`);
});

Deno.test("findCliff() refuses arms with missing seeds", () => {
  const short = { budget: 8, accuracies: [0.97], collapsed: 0 };
  assert.throws(() => findCliff([short], FLOAT32, "linear"), RangeError);
});
