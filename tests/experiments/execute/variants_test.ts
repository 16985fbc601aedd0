import assert from "node:assert/strict";
import { onLevels } from "../../../experiments/execute/level_weights.ts";
import {
  buildVariants,
  groupKey,
  type WeightCompression,
} from "../../../experiments/execute/variants.ts";
import { readAll } from "../../../gpu/mod.ts";
import { fcNN, initialParameters } from "../../../models/mod.ts";
import { testDevice } from "../../support/device.ts";
import { COMPRESSIONS } from "./small_trials.ts";

const model = fcNN({ inputShape: [1, 4, 4], hidden: [4], classes: 3 });
const host = initialParameters(model, 5);

/** Weights of the copies by name, one array a copy. */
async function build(...compressions: WeightCompression[]): Promise<Record<string, number[][]>> {
  const device = await testDevice();
  using _scope = device.scope();
  const { networks, tensors } = await buildVariants(device, model, host, compressions, {}, 0);
  assert.equal(networks, compressions.length);
  const names = Object.keys(tensors);
  const flat = await readAll(names.map((name) => tensors[name]));
  return Object.fromEntries(names.map((name, i) => {
    const size = host[name].length;
    const copies = compressions.map((_, p) =>
      Array.from(flat[i].subarray(p * size, (p + 1) * size))
    );
    return [name, copies];
  }));
}

Deno.test("buildVariants() puts weights on a grid around 0 and no bias", async () => {
  const built = await build({ kind: "levels", bits: 2, rounding: "towardZero", scale: "absmax" });
  for (const [name, [copy]] of Object.entries(built)) {
    if (name.endsWith(".bias")) assert.deepEqual(copy, Array.from(host[name]));
    else assert.ok(new Set(copy.map((value) => value + 0)).size <= 7, name);
  }
});

Deno.test("onLevels() draws other random numbers for another seed, and the same for the same", () => {
  const how = { bits: 8, rounding: "stochastic", scale: "fixed" } as const;
  const codes = (seed: number) => Array.from(onLevels(model, host, how, seed)["fc1.weight"]);
  assert.deepEqual(codes(1), codes(1));
  const [one, other] = [codes(1), codes(2)];
  const differing = one.filter((value, i) => value !== other[i]).length;
  assert.ok(differing > one.length / 10 && differing < one.length, `${differing} of ${one.length}`);
});

const zeros = (values: readonly number[]) => values.filter((value) => value === 0).length;

Deno.test("groupKey() is equal where copies share a dispatch or a training", () => {
  const keys = COMPRESSIONS.map(groupKey);
  const same = COMPRESSIONS.map((_, i) => keys.indexOf(keys[i]));
  assert.deepEqual(same, [
    0,
    1,
    1,
    3,
    3,
    5,
    5,
    7,
    8,
    8,
    10,
    11,
    11,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    19,
    21,
    21,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
  ]);
});

Deno.test("buildVariants() leaves a float32 network as it is", async () => {
  const built = await build({ kind: "none" });
  for (const [name, [copy]] of Object.entries(built)) {
    assert.deepEqual(copy, Array.from(host[name]));
  }
});

Deno.test("buildVariants() quantizes all weights to 2^bits levels and no bias", async () => {
  const bits = [1, 3] as const;
  const built = await build(
    ...bits.map((b) => ({
      kind: "affine" as const,
      bits: b,
      granularity: "tensor" as const,
      activations: false,
    })),
  );
  for (const [name, copies] of Object.entries(built)) {
    for (const [p, copy] of copies.entries()) {
      if (name.endsWith(".bias")) assert.deepEqual(copy, Array.from(host[name]));
      else assert.ok(new Set(copy).size <= 2 ** bits[p], `${name} at ${bits[p]} bits`);
    }
  }
  assert.ok(new Set(built["fc1.weight"][1]).size > 2);
});

Deno.test("buildVariants() prunes the layers that it is told to, each copy by its ratio", async () => {
  const first = await build(
    { kind: "magnitude_prune", keep: 0.5, layers: "first" },
    { kind: "magnitude_prune", keep: 0.25, layers: "first" },
  );
  assert.deepEqual(first["fc1.weight"].map(zeros), [32, 48]);
  for (const copy of first["fc2.weight"]) assert.deepEqual(copy, Array.from(host["fc2.weight"]));
  const all = await build({ kind: "magnitude_prune", keep: 0.25, layers: "all" });
  assert.deepEqual([zeros(all["fc1.weight"][0]), zeros(all["fc2.weight"][0])], [48, 9]);
});
