import assert from "node:assert/strict";
import { empty, read, reshape, tensor } from "../../gpu/mod.ts";
import { testDevice } from "../support/device.ts";

Deno.test("Scope releases everything made inside, also what was made while an error passed", async () => {
  const device = await testDevice();
  const before = device.stats().liveBytes;
  assert.throws(() => {
    using _scope = device.scope();
    empty(device, [1000]);
    throw new RangeError("on the way");
  }, { message: "on the way" });
  assert.equal(device.stats().liveBytes, before);
  using _after = device.scope();
  empty(device, [1000]);
  assert.ok(device.stats().liveBytes > before);
});

Deno.test("Scope.keep() hands a tensor to the scope around", async () => {
  const device = await testDevice();
  const before = device.stats().liveBytes;
  {
    using _outer = device.scope();
    const kept = (() => {
      using scope = device.scope();
      const lost = tensor(device, [3, 4]);
      const view = scope.keep(reshape(tensor(device, [1, 2]), [2, 1]));
      assert.ok(!lost.storage.released);
      return { lost, view };
    })();
    assert.ok(kept.lost.storage.released);
    assert.deepEqual([...await read(kept.view)], [1, 2]);
  }
  assert.equal(device.stats().liveBytes, before);
});

Deno.test("Scope.keep() of the outermost scope hands a tensor to the device", async () => {
  const device = await testDevice();
  const scope = device.scope();
  const kept = scope.keep(tensor(device, [5]));
  scope[Symbol.dispose]();
  assert.deepEqual([...await read(kept)], [5]);
  device.release(kept.storage);
  device.release(kept.storage);
  assert.ok(kept.storage.released);
});

Deno.test("Scope is not the owner of what another one made", async () => {
  const device = await testDevice();
  using _outer = device.scope();
  const x = tensor(device, [1]);
  {
    using scope = device.scope();
    scope.keep(x);
  }
  assert.deepEqual([...await read(x)], [1]);
});

Deno.test("Device.release() inside a scope frees once", async () => {
  const device = await testDevice();
  const before = device.stats();
  {
    using _scope = device.scope();
    device.release(empty(device, [1000]).storage);
    assert.equal(device.stats().liveBytes, before.liveBytes);
  }
  assert.equal(device.stats().liveBytes, before.liveBytes);
});
