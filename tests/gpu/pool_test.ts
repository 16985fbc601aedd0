import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { empty } from "../../gpu/mod.ts";
import { sizeClass } from "../../gpu/pool.ts";
import { testDevice } from "../support/device.ts";

const bytes = fc.integer({ min: 1, max: 2 ** 32 });

Deno.test("sizeClass() holds what was asked, with a quarter more at most", () => {
  fc.assert(fc.property(bytes, (asked) => {
    const size = sizeClass(asked);
    return size >= asked && size % 16 === 0 && (size === 256 || size < 1.25 * asked + 64);
  }));
});

Deno.test("sizeClass() is a class of its own, and grows with what is asked", () => {
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    const [small, large] = a < b ? [a, b] : [b, a];
    return sizeClass(sizeClass(a)) === sizeClass(a) && sizeClass(small) <= sizeClass(large);
  }));
});

Deno.test("sizeClass() has four classes an octave", () => {
  for (let octave = 2 ** 12; octave < 2 ** 30; octave *= 2) {
    const classes = new Set<number>();
    for (let part = 1; part <= 64; part++) classes.add(sizeClass(octave + octave * part / 64));
    assert.equal(classes.size, 4);
  }
});

Deno.test("Pool hands a released buffer out again instead of making one", async () => {
  const device = await testDevice();
  const allocate = () => {
    using _scope = device.scope();
    return empty(device, [3000]).storage.buffer;
  };
  const first = allocate();
  const before = device.stats();
  for (let i = 0; i < 20; i++) assert.equal(allocate(), first);
  assert.deepEqual(device.stats(), before);
});

Deno.test("Pool counts live, pooled and peak bytes", async () => {
  const device = await testDevice();
  const before = device.stats();
  {
    using _scope = device.scope();
    empty(device, [1024]);
    empty(device, [1024]);
    assert.equal(device.stats().liveBytes, before.liveBytes + 8192);
  }
  const after = device.stats();
  assert.equal(after.liveBytes, before.liveBytes);
  assert.ok(after.pooledBytes >= 8192);
  assert.ok(after.peakBytes >= before.liveBytes + 8192);
});
