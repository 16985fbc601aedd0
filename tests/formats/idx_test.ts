import assert from "node:assert/strict";
import fc from "../support/fast_check.ts";
import { decodeIdx, encodeIdx } from "../../formats/mod.ts";
import { throwsUserError } from "./throws_user_error.ts";

const six = encodeIdx({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });

Deno.test("encodeIdx() writes the header of the format, big-endian", () => {
  assert.deepEqual([...six], [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
});

Deno.test("decodeIdx() reads back what encodeIdx() wrote, at any rank and offset", () => {
  const shapes = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(shapes, fc.nat({ max: 7 }), (shape, offset) => {
    const size = shape.reduce((product, axis) => product * axis, 1);
    const data = Uint8Array.from({ length: size }, (_, i) => i % 251);
    const file = encodeIdx({ shape, data });
    const shifted = new Uint8Array(offset + file.length);
    shifted.set(file, offset);
    assert.deepEqual(decodeIdx(shifted.subarray(offset), "x"), { shape, data });
  }));
});

Deno.test("decodeIdx() gives a view, not a copy", () => {
  assert.equal(decodeIdx(six, "x").data.buffer, six.buffer);
});

Deno.test("decodeIdx() says where any cut file was cut", () => {
  for (let length = 0; length < six.length; length++) {
    const [what, expected] = length < 4
      ? ["idx header", 4]
      : length < 12
      ? ["idx header", 12]
      : ["idx file", 18];
    throwsUserError(
      () => decodeIdx(six.subarray(0, length), "six"),
      `Cannot decode "six": the ${what} was cut at byte ${length}, expected ${expected} bytes`,
    );
  }
});

Deno.test("decodeIdx() refuses bytes after the end", () => {
  throwsUserError(
    () => decodeIdx(Uint8Array.of(...six, 7), "six"),
    'Cannot decode "six": the idx file must end at byte 18: found 19 bytes',
  );
});

Deno.test("decodeIdx() refuses what is not idx, not bytes, or without an axis", () => {
  throwsUserError(
    () => decodeIdx(Uint8Array.of(0x1f, 0x8b, 8, 0, 0), "x.gz"),
    'Cannot decode "x.gz": an idx file of unsigned bytes must begin with 00 00 08: ' +
      "found 1f 8b 08 00",
  );
  throwsUserError(
    () => decodeIdx(Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0), "x"),
    'Cannot decode "x": idx values must be unsigned bytes (type 0x08): ' +
      "found 32-bit floats (type 0x0d)",
  );
  throwsUserError(
    () => decodeIdx(Uint8Array.of(0, 0, 8, 0, 1), "x"),
    'Cannot decode "x": an idx array must have an axis: found rank 0',
  );
});

Deno.test("encodeIdx() refuses a shape that does not fit", () => {
  assert.throws(() => encodeIdx({ shape: [2], data: new Uint8Array(3) }), {
    name: "RangeError",
    message: "Cannot encode idx: shape [2] needs 2 values: found 3",
  });
  assert.throws(() => encodeIdx({ shape: [], data: new Uint8Array(1) }), RangeError);
  assert.throws(() => encodeIdx({ shape: [0.5], data: new Uint8Array(0) }), RangeError);
});
