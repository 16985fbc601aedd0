import assert from "node:assert/strict";
import { read } from "../../../gpu/mod.ts";
import { withBars } from "./bars_laboratory.ts";
import { smallRecipe } from "./small_trials.ts";

Deno.test("a bench holds the first images of the training set, where so many are asked for", () =>
  withBars(async ({ laboratory, bars }) => {
    const { data, model } = smallRecipe(bars);
    const whole = await laboratory.bench({ data, model });
    const part = await laboratory.bench({ data: { ...data, first: 48 }, model });
    assert.deepEqual([whole.train.count, part.train.count], [640, 48]);
    const labels = await read(whole.train.labels);
    assert.deepEqual((await read(part.train.labels)).slice(0, 48), labels.slice(0, 48));
    assert.equal(part.judge[0].count, whole.judge[0].count, "all of the test set is judged on");
    const more = await laboratory.bench({ data: { ...data, first: 10_000 }, model });
    assert.equal(more.train.count, 640);
  }));
