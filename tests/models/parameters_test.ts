import assert from "node:assert/strict";
import { BINDING_ALIGNMENT, read } from "../../gpu/mod.ts";
import {
  fcNN,
  type HostParameters,
  initialParameters,
  layoutParameters,
  parameterCount,
  readParameters,
  trainableLayout,
  trainableTensors,
  uploadParameters,
  writeParameters,
  zeroParameters,
} from "../../models/mod.ts";
import { testDevice } from "../support/device.ts";
import { withBuffer } from "./with_buffer.ts";

const model = fcNN({ inputShape: [1, 2, 4], hidden: [5], classes: 3 });
const buffered = withBuffer(model);

Deno.test("layoutParameters() starts every parameter where WebGPU can bind it", () => {
  for (const networks of [1, 3, 17]) {
    const { places, size } = layoutParameters(model, networks);
    let end = 0;
    for (const place of places.toSorted((a, b) => a.offset - b.offset)) {
      assert.equal(place.offset % BINDING_ALIGNMENT, 0);
      assert.ok(place.offset >= end, `${place.name} overlaps what is before it`);
      end = place.offset + networks * place.size;
    }
    assert.ok(size >= end && size % 4 === 0);
  }
});

Deno.test("layoutParameters() puts what decays first, then what is trained, then buffers", () => {
  const { places, decayedSize, trainableSize, size } = layoutParameters(buffered, 3);
  const [fc1, fc1Bias, mean, fc2, fc2Bias] = places;
  assert.deepEqual(places.map(({ name }) => name), buffered.parameters.map(({ name }) => name));
  assert.deepEqual([fc1.offset, fc2.offset, decayedSize], [0, 128, 192]);
  assert.deepEqual([fc1Bias.offset, fc2Bias.offset, trainableSize], [192, 256, 320]);
  assert.deepEqual([mean.offset, size], [320, 384]);
  assert.deepEqual(places.filter(({ isBuffer }) => isBuffer), [mean]);
});

Deno.test("trainableTensors() leaves buffers out, as does Parameters.trainable", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const values = [1, 2].map((seed) => initialParameters(buffered, seed));
  const parameters = uploadParameters(device, buffered, values);
  const { layout, trainable, flat } = parameters;
  const names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];
  assert.deepEqual(Object.keys(trainableTensors(parameters)), names);
  assert.deepEqual(trainable.shape, [layout.trainableSize]);
  assert.deepEqual(await read(trainable), (await read(flat)).slice(0, layout.trainableSize));

  const moments = { layout: trainableLayout(layout), flat: trainable };
  const [first] = await readParameters(moments);
  assert.deepEqual(Object.keys(first), names);
  assert.deepEqual(first["fc1.bias"], new Float32Array(5).fill(1));
});

Deno.test("parameterCount() leaves buffers out", () => {
  assert.equal(parameterCount(buffered), 8 * 5 + 5 + 5 * 3 + 3);
});

Deno.test("readParameters() gives back what uploadParameters() took, network by network", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const networks = [1, 2, 3].map((seed) => initialParameters(model, seed));
  const parameters = uploadParameters(device, model, networks);
  assert.deepEqual(await readParameters(parameters), networks);
  assert.deepEqual(parameters.tensors["fc1.weight"].shape, [3, 5, 8]);
  const second = (await read(parameters.tensors["fc2.bias"])).slice(3, 6);
  assert.deepEqual(second, networks[1]["fc2.bias"]);
  writeParameters(parameters, networks.toReversed());
  assert.deepEqual(await readParameters(parameters), networks.toReversed());
});

Deno.test("zeroParameters() is all zero", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { flat } = zeroParameters(device, model, 2);
  assert.ok((await read(flat)).every((value) => value === 0));
});

Deno.test("initialParameters() fills PyTorch's range and depends on the seed only", () => {
  const wide = fcNN({ inputShape: [1, 20, 20], hidden: [100] });
  const values = initialParameters(wide, 4);
  for (const { name, bound } of wide.parameters.filter(({ shape }) => shape.length === 2)) {
    const largest = values[name].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(largest <= bound && largest > 0.99 * bound, `${name} reaches ${largest} of ${bound}`);
    const mean = values[name].reduce((sum, value) => sum + value, 0) / values[name].length;
    assert.ok(Math.abs(mean) < 4 * bound / Math.sqrt(3 * values[name].length), `mean ${mean}`);
  }
  assert.equal(wide.parameters[0].bound, 1 / 20);
  assert.deepEqual(initialParameters(wide, 4), values);
  assert.notDeepEqual(initialParameters(wide, 5), values);
});

Deno.test("uploadParameters() refuses parameters that are missing or misshaped", async () => {
  const device = await testDevice();
  using _scope = device.scope();
  const { "fc1.bias": _, ...missing } = initialParameters(model, 1);
  const refusals: [HostParameters, string][] = [
    [missing, 'parameter "fc1.bias": it must have 5 elements: it is missing'],
    [
      { ...initialParameters(model, 1), "fc2.weight": new Float32Array(14) },
      'parameter "fc2.weight": it must have 15 elements: 14',
    ],
  ];
  for (const [network, why] of refusals) {
    assert.throws(() => uploadParameters(device, model, [network]), {
      name: "RangeError",
      message: `Cannot load ${why}`,
    });
  }
  assert.throws(() => writeParameters(zeroParameters(device, model, 2), []), {
    name: "RangeError",
    message: "Cannot write parameters: the population has 2 networks: 0 were given",
  });
});
