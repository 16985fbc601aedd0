import assert from "node:assert/strict";
import { decodeNpy } from "../../formats/mod.ts";
import { throwsUserError } from "./throws_user_error.ts";

const fixture = (name: string) =>
  Deno.readFileSync(new URL(`../fixtures/formats/reference_${name}.npy`, import.meta.url));

const values = [0, 40, 80, 120, 160, 200];
const arrays = {
  float32: Float32Array.from(values),
  float64: Float64Array.from(values),
  int64: BigInt64Array.from(values, BigInt),
  int32: Int32Array.from(values),
  uint16: Uint16Array.from(values),
  uint8: Uint8Array.from(values),
};

for (const [name, data] of Object.entries(arrays)) {
  Deno.test(`decodeNpy() reads ${name} as NumPy wrote it`, () => {
    assert.deepEqual(decodeNpy(fixture(name), name), { shape: [2, 3], data });
  });
}

Deno.test("decodeNpy() says where any cut file was cut", () => {
  const file = fixture("uint8");
  for (let length = 0; length < file.length; length++) {
    const [what, expected] = length < 12
      ? ["npy header", 12]
      : length < 128
      ? ["npy header", 128]
      : ["npy file", 134];
    throwsUserError(
      () => decodeNpy(file.subarray(0, length), "x.npy"),
      `Cannot decode "x.npy": the ${what} was cut at byte ${length}, expected ${expected} bytes`,
    );
  }
});

Deno.test("decodeNpy() refuses Fortran order, other types, versions and trailing bytes", () => {
  throwsUserError(
    () => decodeNpy(fixture("fortran"), "x.npy"),
    'Cannot decode "x.npy": the array must be in C order: found Fortran order',
  );
  const changed = (from: string, to: string) => {
    const text = new TextDecoder("latin1").decode(fixture("uint8")).replace(from, to);
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  };
  // The replacement keeps Latin-1 but TextDecoder maps 0x93 elsewhere, so the magic is put back.
  const withMagic = (bytes: Uint8Array) => {
    bytes[0] = 0x93;
    return bytes;
  };
  throwsUserError(
    () => decodeNpy(withMagic(changed("|u1", "|S1")), "x.npy"),
    'Cannot decode "x.npy": dtype must be one of <f4, <f8, <i8, <i4, <u2, |u1: found |S1',
  );
  throwsUserError(
    () => decodeNpy(withMagic(changed("\x01\x00", "\x04\x00")), "x.npy"),
    'Cannot decode "x.npy": npy version must be 1, 2 or 3: found 4',
  );
  assert.throws(
    () => decodeNpy(withMagic(changed("'shape'", "'shope'")), "x.npy"),
    /the header must give descr, fortran_order and shape: found "\{'descr'/,
  );
  throwsUserError(
    () => decodeNpy(Uint8Array.of(...fixture("uint8"), 0), "x.npy"),
    'Cannot decode "x.npy": the npy file must end at byte 134: found 135 bytes',
  );
  assert.throws(() => decodeNpy(new Uint8Array(20), "x.npy"), /must begin with "\\?.*NUMPY"/);
});
