import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsDtype,
  type SafetensorsTensor,
} from "../../formats/mod.ts";
import { elementBytes, tensorFromBytes } from "../../formats/safetensors_types.ts";
import { throwsUserError } from "./throws_user_error.ts";

const reference = Deno.readFileSync(
  new URL("../fixtures/formats/reference.safetensors", import.meta.url),
);

/** Builds a file from a header and bytes that need not fit together. */
function container(header: string, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const refuses = (header: string, dataBytes: number, message: string) =>
  throwsUserError(
    () => decodeSafetensors(container(header, dataBytes), "x.safetensors"),
    `Cannot decode "x.safetensors": ${message}`,
  );

Deno.test("decodeSafetensors() reads what the reference implementation wrote", () => {
  const { tensors, metadata } = decodeSafetensors(reference, "reference.safetensors");
  assert.deepEqual(metadata, { "made by": 'safetensors "0.8.0"' });
  assert.equal(tensors.size, 12);
  assert.deepEqual(tensors.get("fc1.weight"), {
    dtype: "F32",
    shape: [2, 3],
    data: Float32Array.of(0.5, -1.5, 2.25, 1e-30, -0, Infinity),
  });
  assert.deepEqual(tensors.get("codes")?.data, Uint8Array.of(0, 127, 255));
  assert.deepEqual(tensors.get("signed")?.data, Int8Array.of(-128, 0, 127));
  assert.deepEqual(tensors.get("counts")?.data, Int32Array.of(-(2 ** 31), 2 ** 31 - 1));
  assert.deepEqual(tensors.get("words")?.data, Uint32Array.of(0, 2 ** 32 - 1));
  assert.deepEqual(tensors.get("half")?.data, Uint16Array.of(0x3c00, 0xc000, 0x7bff));
  assert.deepEqual(tensors.get("steps")?.data, BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n));
  assert.deepEqual(tensors.get("double")?.data, Float64Array.of(0.1));
  assert.deepEqual(tensors.get("scalar")?.shape, []);
  assert.deepEqual(tensors.get("empty")?.shape, [0, 5]);
  assert.deepEqual(tensors.get("größe")?.data, Uint8Array.of(1));
});

Deno.test("encodeSafetensors() writes the reference implementation's file, byte for byte", () => {
  const { tensors, metadata } = decodeSafetensors(reference, "reference.safetensors");
  const shuffled = new Map([...tensors].reverse());
  assert.deepEqual(encodeSafetensors(shuffled, metadata), reference);
});

Deno.test("decodeSafetensors() reads back what encodeSafetensors() wrote, bit for bit", () => {
  const dtypes = Object.keys(elementBytes) as SafetensorsDtype[];
  const tensor = fc.tuple(
    fc.constantFrom(...dtypes),
    fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
    fc.nat({ max: 255 }),
  ).map(([dtype, shape, seed]): SafetensorsTensor => {
    const size = shape.reduce((product, axis) => product * axis, elementBytes[dtype]);
    return tensorFromBytes(
      dtype,
      shape,
      Uint8Array.from({ length: size }, (_, i) => seed + 37 * i),
    );
  });
  const name = fc.string({ unit: "binary" }).filter((name) => name !== "__metadata__");
  const named = fc.array(fc.tuple(name, tensor), { maxLength: 6 });
  const texts = fc.dictionary(fc.string().filter((key) => key !== "__proto__"), fc.string());
  const bits = ({ data }: SafetensorsTensor) =>
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  fc.assert(fc.property(named, texts, fc.nat({ max: 7 }), (pairs, metadata, offset) => {
    const tensors = new Map(pairs.filter(([name]) => name.isWellFormed()));
    const file = encodeSafetensors(tensors, metadata);
    const shifted = new Uint8Array(offset + file.length);
    shifted.set(file, offset);
    const decoded = decodeSafetensors(shifted.subarray(offset), "x.safetensors");
    assert.deepEqual({ ...decoded.metadata }, { ...metadata });
    assert.deepEqual(new Set(decoded.tensors.keys()), new Set(tensors.keys()));
    for (const [name, tensor] of tensors) {
      const found = decoded.tensors.get(name)!;
      assert.deepEqual([found.dtype, found.shape], [tensor.dtype, tensor.shape]);
      assert.deepEqual(bits(found), bits(tensor));
    }
  }));
});

Deno.test("encodeSafetensors() pads the header with spaces to 8 bytes", () => {
  for (let length = 1; length < 10; length++) {
    const tensor = { dtype: "U8", shape: [1], data: Uint8Array.of(9) } as const;
    const file = encodeSafetensors(new Map([["x".repeat(length), tensor]]));
    const headerLength = Number(new DataView(file.buffer).getBigUint64(0, true));
    assert.equal(headerLength % 8, 0);
    assert.equal(file.length, 8 + headerLength + 1);
    assert.match(new TextDecoder().decode(file.subarray(8, 8 + headerLength)), /^\{.*\} *$/);
  }
});

Deno.test("decodeSafetensors() says where any cut file was cut", () => {
  const headerEnd = 8 + Number(new DataView(reference.buffer).getBigUint64(0, true));
  for (let length = 0; length < reference.length; length++) {
    const expected = length < 8 ? 8 : length < headerEnd ? headerEnd : reference.length;
    throwsUserError(
      () => decodeSafetensors(reference.subarray(0, length), "x.safetensors"),
      `Cannot decode "x.safetensors": the container was cut at byte ${length}, ` +
        `expected ${expected} bytes`,
    );
  }
});

Deno.test("decodeSafetensors() refuses a header that is no JSON object", () => {
  const huge = new Uint8Array(16).fill(0xff);
  throwsUserError(
    () => decodeSafetensors(huge, "x.safetensors"),
    'Cannot decode "x.safetensors": the header must be at most 100000000 bytes: ' +
      "found 18446744073709551615",
  );
  refuses("[]", 0, "the header must be a JSON object");
  assert.throws(
    () => decodeSafetensors(container("{oops", 0), "x.safetensors"),
    /UserError: Cannot decode "x.safetensors": the header must be JSON in UTF-8: /,
  );
  const notUtf8 = container('{"a"}', 0);
  notUtf8[10] = 0xff;
  assert.throws(() => decodeSafetensors(notUtf8, "x.safetensors"), /must be JSON in UTF-8/);
});

Deno.test("decodeSafetensors() refuses tensors that are not described right", () => {
  refuses('{"a":7}', 0, 'tensor "a" must be a JSON object: found 7');
  refuses(
    '{"a":{"dtype":"F23","shape":[],"data_offsets":[0,4]}}',
    4,
    'tensor "a" must have a dtype of U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, I8, U8, ' +
      'BOOL: found "F23"',
  );
  refuses(
    '{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}',
    1,
    'tensor "a" must have a shape of whole numbers: found [-1]',
  );
  refuses(
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}',
    1,
    'tensor "a" must have two data_offsets: found [0]',
  );
  refuses(
    '{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}}',
    20,
    'tensor "a" of F32 [2,3] must take 24 bytes: found data_offsets 0 to 20',
  );
  refuses('{"__metadata__":{"a":1}}', 0, 'metadata "a" must be a string: found 1');
  refuses('{"__metadata__":[]}', 0, "__metadata__ must be a JSON object of strings");
});

Deno.test("decodeSafetensors() refuses overlaps, gaps, doubles and bytes of nobody", () => {
  const two = (begin: number) =>
    '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},' +
    `"b":{"dtype":"U8","shape":[4],"data_offsets":[${begin},${begin + 4}]}}`;
  refuses(
    two(2),
    6,
    'tensor "b" must begin at byte 4, where tensor "a" ends: found 2, an overlap',
  );
  refuses(two(6), 10, 'tensor "b" must begin at byte 4, where tensor "a" ends: found 6, a gap');
  const length = 8 + two(4).length + 8;
  refuses(two(4), 9, `the container must end at byte ${length}: found ${length + 1} bytes`);
  refuses(
    two(4).replace('"b"', '"\\u0061"'),
    8,
    'every tensor must be named once: found "a" twice',
  );
});

Deno.test("encodeSafetensors() refuses what the format cannot hold", () => {
  const data = Float32Array.of(1, 2);
  const encode = (name: string, shape: number[], dtype = "F32") =>
    encodeSafetensors(new Map([[name, { dtype, shape, data } as SafetensorsTensor]]));
  assert.throws(() => encode("a", [3]), {
    name: "RangeError",
    message: 'Cannot encode tensor "a": shape [3] needs 3 values: found 2',
  });
  assert.throws(() => encode("__metadata__", [2]), RangeError);
  assert.throws(() => encode("a", [2], "U8"), {
    name: "TypeError",
    message: 'Cannot encode tensor "a": U8 must have 1 bytes an element: Float32Array has 4',
  });
  assert.throws(() => encode("a", [2], "F8"), TypeError);
});

const resnet = new URL("../../../shared/data/resnet/resnet20.safetensors", import.meta.url);
const hasResnet = await Deno.stat(resnet).then(() => true, () => false);

Deno.test({
  name: "decodeSafetensors() reads a pretrained ResNet-20" +
    (hasResnet ? "" : " (skipped: the file is not on this machine)"),
  ignore: !hasResnet,
  fn() {
    const { tensors } = decodeSafetensors(Deno.readFileSync(resnet), "resnet20.safetensors");
    assert.deepEqual(tensors.get("linear.weight")?.shape, [10, 64]);
    const learned = [...tensors].filter(([name]) => !name.includes("running_"));
    const parameters = learned.reduce((sum, [, { data }]) => sum + data.length, 0);
    assert.equal(parameters, 269_722);
  },
});
