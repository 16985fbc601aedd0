import assert from "node:assert/strict";
import { parseSha256Sums, sha256Hex, verifySha256 } from "../../data/sha256.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const abc = new TextEncoder().encode("abc");
// NIST's example for the one-block message.
const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("sha256Hex() gives NIST's example", async () => {
  assert.equal(await sha256Hex(abc), digest);
});

Deno.test("verifySha256() takes either case and refuses another digest", async () => {
  assert.equal(await verifySha256(abc, digest.toUpperCase(), "abc"), digest);
  const other = "0".repeat(64);
  await rejectsUserError(
    verifySha256(abc, other, "abc"),
    `Cannot verify "abc": expected SHA-256 ${other}: found ${digest}`,
  );
});

Deno.test("parseSha256Sums() reads both of sha256sum's forms and passes over the rest", () => {
  const text = `# made by hand\r\n${digest}  a b\r\n${digest.toUpperCase()} *c\n123  d\n`;
  assert.deepEqual(parseSha256Sums(text), { "a b": digest, c: digest });
});
