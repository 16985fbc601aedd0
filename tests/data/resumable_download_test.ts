import assert from "node:assert/strict";
import { downloadResumably, type LargeFile } from "../../data/resumable_download.ts";
import { sha256Hex } from "../../data/sha256.ts";
import { withFolder } from "./idx_fixture.ts";
import { type Habits, serveRanges } from "./range_server.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const body = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31 + (i >> 8)) % 256);
const size = body.length;
const sha256 = await sha256Hex(body);

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Runs `use` with a server of the body that has the habits given, and a path in a new folder. */
function withServer(
  habits: Habits,
  use: (file: LargeFile, path: string, ranges: readonly string[]) => Promise<void>,
): Promise<void> {
  return withFolder({}, async (folder) => {
    await using server = serveRanges(body, habits);
    await use({ url: server.url, size, sha256 }, `${folder}/archive.part`, server.ranges);
  });
}

Deno.test("downloadResumably() fetches a file and says how far it is", () =>
  withServer({}, async (file, path, ranges) => {
    const seen: number[] = [];
    const bytes = await downloadResumably(file, {
      path,
      onProgress: (name, received, total) => {
        assert.deepEqual([name, total], ["archive.tar.gz", size]);
        seen.push(received);
      },
    });
    assert.deepEqual(bytes, body);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
    assert.equal(seen.at(-1), size);
    assert.deepEqual(ranges, [""]);
  }));

Deno.test("downloadResumably() goes on where the connection broke, twice", () =>
  withServer({ breaksAfter: [30_000, 20_000] }, async (file, path, ranges) => {
    assert.deepEqual(await downloadResumably(file, { path }), body);
    assert.deepEqual(ranges, ["", "bytes=30000-", "bytes=50000-"]);
  }));

Deno.test("downloadResumably() goes on where an earlier call left off", () =>
  withServer({}, async (file, path, ranges) => {
    await Deno.writeFile(path, body.subarray(0, 64_000));
    assert.deepEqual(await downloadResumably(file, { path }), body);
    assert.deepEqual(ranges, ["bytes=64000-"]);
  }));

Deno.test("downloadResumably() begins anew where the server knows no ranges", () =>
  withServer({ breaksAfter: [30_000], knowsNoRanges: true }, async (file, path, ranges) => {
    assert.deepEqual(await downloadResumably(file, { path }), body);
    assert.deepEqual(ranges, ["", "bytes=30000-"]);
  }));

Deno.test("downloadResumably() keeps what has come of a server that breaks off for good", () =>
  withServer({ breaksAfter: [10_000, 0, 0, 0, 0, 0, 0, 0, 0] }, async (file, path, ranges) => {
    await rejectsUserError(
      downloadResumably(file, { path }),
      new RegExp(
        `^Cannot download "${file.url}": 10000 of 100000 bytes have come: .*; the same command ` +
          "goes on from there$",
      ),
    );
    assert.deepEqual(await Deno.readFile(path), body.subarray(0, 10_000));
    assert.equal(ranges.length, 5);
  }));

Deno.test("downloadResumably() refuses a file of another size before it comes", () =>
  withServer({ length: 99_999 }, async (file, path) => {
    await rejectsUserError(
      downloadResumably(file, { path }),
      `Cannot download "${file.url}": expected 100000 bytes: the server has 99999`,
    );
    await Deno.writeFile(path, body.subarray(0, 500));
    await rejectsUserError(downloadResumably(file, { path }), /: the server has 99999$/);
    assert.equal(await isThere(path), false);
  }));

Deno.test("downloadResumably() throws away a file that has another digest", () =>
  withServer({}, async (file, path) => {
    const wrong = "f".repeat(64);
    await rejectsUserError(
      downloadResumably({ ...file, sha256: wrong }, { path }),
      `Cannot verify "${file.url}": expected SHA-256 ${wrong}: found ${sha256}`,
    );
    assert.equal(await isThere(path), false);

    // what an earlier call left may be the damaged part
    await Deno.writeFile(path, new Uint8Array(500));
    await rejectsUserError(downloadResumably(file, { path }), /^Cannot verify/);
    assert.deepEqual(await downloadResumably(file, { path }), body);
  }));

Deno.test("downloadResumably() says which status it met, and keeps what has come", () =>
  withServer({ status: 503 }, async (file, path) => {
    await Deno.writeFile(path, body.subarray(0, 500));
    await rejectsUserError(
      downloadResumably(file, { path }),
      `Cannot download "${file.url}": expected HTTP status 200: found 503`,
    );
    assert.deepEqual(await Deno.readFile(path), body.subarray(0, 500));
  }));

Deno.test("downloadResumably() begins anew where what is there is too long", () =>
  withServer({}, async (file, path, ranges) => {
    await Deno.writeFile(path, new Uint8Array(size + 1));
    assert.deepEqual(await downloadResumably(file, { path }), body);
    assert.deepEqual(ranges, [""]);
  }));
