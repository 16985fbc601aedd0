import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "../support/fast_check.ts";
import { gunzip, gzip, isGzip, UserError } from "../../formats/mod.ts";

const content = new TextEncoder().encode("the same words again and again, ".repeat(100));

async function refusal(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const error = await gunzip(bytes, "x.gz").then(() => undefined, (error) => error);
  assert.ok(error instanceof UserError, String(error));
  return error.message;
}

Deno.test("gunzip() reads what zlib wrote", async () => {
  assert.deepEqual(await gunzip(new Uint8Array(gzipSync(content)), "x.gz"), content);
});

Deno.test("gunzip() reads back what gzip() wrote", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const file = await gzip(new Uint8Array(bytes));
      assert.ok(isGzip(file));
      assert.deepEqual(await gunzip(file, "x.gz"), new Uint8Array(bytes));
    }),
    { numRuns: 30 },
  );
});

Deno.test("gunzip() refuses a file cut anywhere", async () => {
  const file = await gzip(content);
  for (let length = 2; length < file.length; length++) {
    assert.equal(
      await refusal(file.slice(0, length)),
      `Cannot decompress "x.gz": expected one whole gzip file: found ${length} bytes that are cut ` +
        "or corrupt",
    );
  }
});

Deno.test("gunzip() refuses a wrong checksum", async () => {
  const file = await gzip(content);
  file[file.length - 6] ^= 1;
  assert.match(await refusal(file), /found \d+ bytes that are cut or corrupt/);
});

Deno.test("gunzip() refuses what is not gzip", async () => {
  assert.equal(
    await refusal(Uint8Array.of(0, 0, 8, 1)),
    'Cannot decompress "x.gz": gzip must begin with 1f 8b: found 00 00',
  );
  assert.equal(
    await refusal(new Uint8Array(0)),
    'Cannot decompress "x.gz": gzip must begin with 1f 8b: found no bytes',
  );
});
