import assert from "node:assert/strict";
import {
  type CodeFormat,
  decodeOctalText,
  encodeOctalText,
  octalBits,
  octalText,
  packOctal,
  packPlain,
  quantizeToLevels,
  unpackOctal,
  unpackPlain,
} from "../../../compression/mod.ts";
import { fcNN, initialParameters } from "../../../models/mod.ts";
import fc from "../../support/fast_check.ts";

const coded = fc.record({ bits: fc.integer({ min: 1, max: 16 }), isSigned: fc.boolean() })
  .chain((format) => {
    const max = 2 ** format.bits - 1;
    const codes = fc.array(fc.integer({ min: format.isSigned ? -max : 0, max }));
    return codes.map((list) => ({ format, codes: Int32Array.from(list) }));
  });

Deno.test("octalText() of 0.75 at 8 bits is 0o277, and of 191 is the same integer", () => {
  const octization = { bits: 8, rounding: "towardZero", scale: "fixed" } as const;
  const [code] = quantizeToLevels(new Float32Array([0.75]), [1], octization).codes;
  assert.equal(octalText(code), "0o277");
  assert.equal(Number(octalText(code)), 191);
  assert.equal(octalText(-191), "-0o277");
  assert.throws(() => octalText(0.75), /whole number: 0.75/);
});

Deno.test("packPlain() of 191 and of 0o277 is the same byte", () => {
  const format = { bits: 8, isSigned: false };
  assert.deepEqual([...packPlain([191], format)], [0b10111111]);
  assert.deepEqual(packPlain([0o277], format), packPlain([191], format));
});

Deno.test("packOctal() takes 3 bits a digit: 9 bits for a magnitude of 8", () => {
  // 2, 7, 7 are 010, 111, 111
  assert.deepEqual([...packOctal([0o277], { bits: 8, isSigned: false })], [0b01011111, 0b10000000]);
  assert.equal(octalBits({ bits: 8, isSigned: false }), 9);
  assert.equal(octalBits({ bits: 8, isSigned: true }), 10);
});

Deno.test("packOctal() is packPlain() where the bits fill whole digits, and larger elsewhere", () => {
  fc.assert(fc.property(coded, ({ format, codes }) => {
    const [octal, plain] = [packOctal(codes, format), packPlain(codes, format)];
    if (format.bits % 3 === 0) assert.deepEqual(octal, plain);
    else assert.ok(octal.length >= plain.length);
  }));
});

Deno.test("unpackOctal(), unpackPlain(), decodeOctalText() give back the codes", () => {
  fc.assert(fc.property(coded, ({ format, codes }) => {
    assert.deepEqual(unpackOctal(packOctal(codes, format), codes.length, format), codes);
    assert.deepEqual(unpackPlain(packPlain(codes, format), codes.length, format), codes);
    assert.deepEqual(decodeOctalText(encodeOctalText(codes)), codes);
  }));
});

Deno.test("packPlain() gives truncated and rounded weights files of one size", () => {
  const weight = initialParameters(fcNN(), 0)["fc1.weight"];
  const sizeOf = (rounding: "towardZero" | "nearestEven", write: typeof packPlain) => {
    const grid = { bits: 8, rounding, scale: "fixed" } as const;
    const { codes } = quantizeToLevels(weight, [64, 784], grid);
    const format: CodeFormat = { bits: 8, isSigned: true };
    return write(codes, format).length;
  };
  assert.equal(sizeOf("towardZero", packPlain), 50_176 * 9 / 8);
  assert.equal(sizeOf("nearestEven", packPlain), 50_176 * 9 / 8);
  assert.equal(sizeOf("towardZero", packOctal), 50_176 * 10 / 8);
  assert.equal(sizeOf("nearestEven", packOctal), 50_176 * 10 / 8);
});

Deno.test("packOctal() and the readers refuse what does not fit", () => {
  const format = { bits: 3, isSigned: false };
  assert.throws(() => packOctal([7, 8], format), /code 1 must be a whole number from 0 to 7: 8/);
  assert.throws(() => packPlain([-1], format), /code 0 must be a whole number from 0 to 7: -1/);
  assert.throws(() => unpackPlain(new Uint8Array(2), 2, format), /they take 1 bytes: there are 2/);
  assert.throws(
    () => decodeOctalText(new TextEncoder().encode("0o277\n0o9\n")),
    /line 2 must be like -0o277: "0o9"/,
  );
  assert.throws(
    () => decodeOctalText(new TextEncoder().encode("0o277\n0o1")),
    /its last line must end: it is cut: "0o1"/,
  );
  assert.equal(decodeOctalText(new Uint8Array(0)).length, 0);
});
