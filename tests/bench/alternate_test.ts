import assert from "node:assert/strict";
import { quantile, timeAlternately } from "../../bench/alternate.ts";

/** A clock that only work moves on, and a device that is never late. */
function fakeTime() {
  let time = 0;
  return {
    device: { synchronize: () => Promise.resolve() },
    now: () => time,
    pass: (milliseconds: number) => void (time += milliseconds),
  };
}

Deno.test("timeAlternately() takes one sample of each in turn, and fewer of what is slow", async () => {
  const { device, now, pass } = fakeTime();
  const calls: string[] = [];
  const work = (name: string, milliseconds: number) => (times: number) => {
    calls.push(name);
    pass(milliseconds * times);
  };
  const timings = await timeAlternately(device, 0.2, [work("a", 510), work("b", 1020)], now);
  // each warms up and calibrates, then they take turns; two samples of b are ten times 0.2 s
  assert.deepEqual(calls, ["a", "a", "b", "b", "a", "b", "a"]);
  assert.deepEqual(timings, [
    { median: 510, p10: 510, p90: 510, repetitions: 3 },
    { median: 1020, p10: 1020, p90: 1020, repetitions: 2 },
  ]);
});

Deno.test("timeAlternately() makes a sample long beside a poll, and gives time a repetition", async () => {
  const { device, now, pass } = fakeTime();
  const asked: number[] = [];
  const work = (times: number) => {
    asked.push(times);
    pass(times);
  };
  const [timing] = await timeAlternately(device, 0.3, [work], now);
  // from 1 ms at most eightfold, until a sample lasts 500 ms
  assert.deepEqual(asked, [1, 1, 8, 64, 512, 512, 512]);
  assert.deepEqual(timing, { median: 1, p10: 1, p90: 1, repetitions: 3 * 512 });
});

Deno.test("timeAlternately() measures as long as it was told and gives the spread, without the warm-up", async () => {
  const { device, now, pass } = fakeTime();
  const durations = [9000, 650, 750, 700, 850, 800, 900, 950, 1, 1, 1];
  const [timing] = await timeAlternately(device, 5, [() => pass(durations.shift()!)], now);
  assert.deepEqual(durations, [1, 1, 1], "after 5.6 s it is done");
  assert.deepEqual(timing, { median: 800, p10: 650, p90: 950, repetitions: 7 });
});

Deno.test("timeAlternately() waits for the GPU before and after each sample", async () => {
  const { now, pass } = fakeTime();
  const events: string[] = [];
  const device = {
    synchronize: () => {
      events.push("wait");
      pass(600); // work of before, or of the sample
      return Promise.resolve();
    },
  };
  const [timing] = await timeAlternately(device, 0.01, [() => void events.push("work")], now);
  assert.deepEqual(events, ["wait", "work", "wait", "wait", "work", "wait"]);
  assert.deepEqual(timing, { median: 600, p10: 600, p90: 600, repetitions: 1 });
});

Deno.test("quantile() does not depend on the order of samples", () => {
  assert.equal(quantile([5, 1, 3], 0.5), 3);
  assert.equal(quantile([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.9), 9);
  assert.equal(quantile([4], 0.1), 4);
});
