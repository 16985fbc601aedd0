import assert from "node:assert/strict";
import { decodeSafetensors, encodeSafetensors, UserError } from "../../formats/mod.ts";
import { initialParameters } from "../../models/mod.ts";
import { decodeNetwork, encodeNetwork, resumeOptions } from "../../training/mod.ts";
import { withBuffer } from "../models/with_buffer.ts";
import { smallModel } from "./small_set.ts";

Deno.test("decodeNetwork() gives back what encodeNetwork() wrote", () => {
  const network = {
    parameters: initialParameters(smallModel, 1),
    state: { m: initialParameters(smallModel, 2), v: initialParameters(smallModel, 3) },
    metadata: { seed: "1", steps: "20" },
  };
  const decoded = decodeNetwork(smallModel, encodeNetwork(smallModel, network), "a.safetensors");
  assert.deepEqual(decoded.parameters, network.parameters);
  assert.deepEqual(decoded.state, network.state);
  assert.deepEqual(decoded.metadata, { format: "pt", ...network.metadata });
});

Deno.test("decodeNetwork() gives back an average and what it is of, and misses no part of it", () => {
  const model = withBuffer(smallModel);
  const [parameters, unaveraged] = [1, 2].map((seed) => initialParameters(model, seed));
  const file = encodeNetwork(model, { parameters, unaveraged, state: {}, metadata: {} });
  const decoded = decodeNetwork(model, file, "averaged.safetensors");
  assert.deepEqual([decoded.parameters, decoded.unaveraged], [parameters, unaveraged]);
  const { tensors } = decodeSafetensors(file, "averaged.safetensors");
  const part = new Map([...tensors].filter(([name]) => name !== "unaveraged.norm.running_mean"));
  assert.throws(() => decodeNetwork(model, encodeSafetensors(part), "part.safetensors"), {
    message: /tensors must fit: unaveraged\.norm\.running_mean \[8\] is missing$/,
  });
});

Deno.test("encodeNetwork() writes buffers by their names, and no optimizer state of them", () => {
  const model = withBuffer(smallModel);
  const parameters = initialParameters(model, 1);
  const { "norm.running_mean": mean, ...m } = parameters;
  const file = encodeNetwork(model, { parameters, state: { m }, metadata: {} });
  const decoded = decodeNetwork(model, file, "buffered.safetensors");
  assert.deepEqual(decoded.parameters["norm.running_mean"], mean);
  assert.deepEqual(decoded.state, { m });
  assert.throws(() => decodeNetwork(smallModel, file, "buffered.safetensors"), {
    message: 'Cannot load "buffered.safetensors" as FC_NN 16-8-4: tensors must fit: ' +
      "norm.running_mean [8] is unknown",
  });
});

Deno.test("decodeNetwork() passes over PyTorch's count of batches, but only of norms that it knows", () => {
  const model = withBuffer(smallModel);
  const parameters = initialParameters(model, 1);
  const file = (layer: string) => {
    const counted = { name: `${layer}.num_batches_tracked`, shape: [1], bound: 0 };
    const written = { ...model, parameters: [...model.parameters, counted] };
    const values = { ...parameters, [counted.name]: Float32Array.of(7) };
    return encodeNetwork(written, { parameters: values, state: {}, metadata: {} });
  };
  assert.deepEqual(decodeNetwork(model, file("norm"), "counted").parameters, parameters);
  assert.throws(() => decodeNetwork(model, file("other"), "counted"), {
    message: /: other\.num_batches_tracked \[1\] is unknown$/,
  });
});

Deno.test("decodeNetwork() lists every missing, unknown and misshaped tensor at once", () => {
  const zeros = (...shape: number[]) =>
    ({
      dtype: "F32",
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b)),
    }) as const;
  const file = encodeSafetensors(
    new Map([
      ["fc1.weight", zeros(8, 9)],
      ["fc2.bias", zeros(4)],
      ["fc3.bias", zeros(2)],
      ["optimizer.m.fc1.bias", zeros(8)],
      ["optimizer.m.fc2.bias", zeros(5)],
      ["optimizer.m.fc1.weight", zeros(8, 16)],
      ["optimizer.m.fc2.weight", zeros(4, 8)],
      ["optimizer.m.fc9.bias", zeros(1)],
    ]),
  );
  assert.throws(() => decodeNetwork(smallModel, file, "bad.safetensors"), (error) => {
    assert.ok(error instanceof UserError);
    const [title, complaints] = error.message.split(": tensors must fit: ");
    assert.equal(title, 'Cannot load "bad.safetensors" as FC_NN 16-8-4');
    assert.deepEqual(complaints.split("; ").toSorted(), [
      "fc1.bias [8] is missing",
      "fc1.weight [8,16] is F32 [8,9]",
      "fc2.weight [4,8] is missing",
      "fc3.bias [2] is unknown",
      "optimizer.m.fc2.bias [4] is F32 [5]",
      "optimizer.m.fc9.bias [1] is unknown",
    ]);
    return true;
  });
});

Deno.test("decodeNetwork() lists every tensor that is not finite, of the optimizer too, with the index", () => {
  const parameters = initialParameters(smallModel, 1);
  const m = initialParameters(smallModel, 2);
  parameters["fc1.weight"][5] = NaN;
  parameters["fc1.weight"][9] = NaN;
  parameters["fc2.bias"][3] = -Infinity;
  m["fc2.weight"][1] = Infinity;
  const file = encodeNetwork(smallModel, { parameters, state: { m }, metadata: {} });
  assert.throws(() => decodeNetwork(smallModel, file, "nan.safetensors"), {
    name: "UserError",
    message: 'Cannot load "nan.safetensors" as FC_NN 16-8-4: every value must be finite: ' +
      "fc1.weight[5] is NaN; fc2.bias[3] is -Infinity; optimizer.m.fc2.weight[1] is Infinity",
  });
});

Deno.test("resumeOptions() refuses a file that does not say how far it had come", () => {
  const network = { parameters: initialParameters(smallModel, 1), state: {} };
  assert.throws(() => resumeOptions({ ...network, metadata: { seed: "1" } }), {
    name: "UserError",
    message:
      "Cannot resume training: the checkpoint must name its seed and steps: metadata has seed",
  });
  assert.throws(() => resumeOptions({ ...network, metadata: {} }), /metadata has nothing$/);
});
