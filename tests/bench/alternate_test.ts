import assert from "node:assert/strict";
import { quantile, timeAlternately } from "../../bench/alternate.ts";
import { testDevice } from "../support/device.ts";

Deno.test("timeAlternately() takes one sample of each in turn, and tells the slower one", async () => {
  const device = await testDevice();
  const calls: string[] = [];
  const work = (name: string, milliseconds: number) => async (times: number) => {
    calls.push(name);
    await new Promise((resolve) => setTimeout(resolve, milliseconds * times));
  };
  const [quick, slow] = await timeAlternately(device, 0.05, [work("a", 130), work("b", 260)]);
  // each warms up and calibrates, then they take turns
  assert.deepEqual(calls.slice(0, 6), ["a", "a", "b", "b", "a", "b"]);
  assert.ok(quick.median >= 130 && slow.median >= 260, `${quick.median} and ${slow.median}`);
  assert.ok(quick.p10 <= quick.median && quick.median <= quick.p90);
});

Deno.test("timeAlternately() gives time a repetition, not a sample", async () => {
  const device = await testDevice();
  let most = 0;
  const [timing] = await timeAlternately(device, 0.01, [async (times) => {
    most = Math.max(most, times);
    await new Promise((resolve) => setTimeout(resolve, 40 * times));
  }]);
  assert.ok(most > 1, "a sample grows until it is long beside a poll");
  assert.ok(timing.median >= 39 && timing.median < 100, `${timing.median}`);
});

Deno.test("quantile() does not depend on the order of samples", () => {
  assert.equal(quantile([5, 1, 3], 0.5), 3);
  assert.equal(quantile([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.9), 9);
  assert.equal(quantile([4], 0.1), 4);
});
