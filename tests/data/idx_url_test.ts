import assert from "node:assert/strict";
import { loadIdxFolder } from "../../data/idx_folder.ts";
import { digestsOf, serve, smallSet, spelled, withFolder } from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const plainSpelling = { separator: "-", gz: false } as const;
const gzSpelling = { separator: "-", gz: true } as const;
const contents = smallSet();
const plain = await spelled(contents, plainSpelling);
const compressed = await spelled(contents, gzSpelling);

const sums = (digests: Record<string, string>) => {
  const lines = Object.entries(digests).map(([name, digest]) => `${digest}  ${name}\n`);
  return new TextEncoder().encode(lines.join(""));
};

const load = (folder: string, cacheDirectory: string, sha256?: Record<string, string>) =>
  loadIdxFolder({ folder, name: "small", sha256, cacheDirectory });

Deno.test("loadIdxFolder() fetches compressed files by the digests of their content", () =>
  withFolder({}, async (cache) => {
    await using server = serve(compressed);
    const sha256 = await digestsOf(plain);
    const set = await load(server.url, cache, sha256);
    assert.deepEqual(set.train.images, contents["train-images"].subarray(16));
    assert.deepEqual(set.sha256, sha256);
    assert.equal(set.source, server.url);
    await load(server.url, cache, sha256);
    assert.equal(server.requests.length, 4);
  }));

Deno.test("loadIdxFolder() fetches compressed files by their own digests", () =>
  withFolder({}, async (cache) => {
    await using server = serve(compressed);
    const set = await load(server.url.slice(0, -1), cache, await digestsOf(compressed));
    assert.deepEqual(set.sha256, await digestsOf(plain));
    assert.deepEqual(server.requests.toSorted(), Object.keys(compressed).toSorted());
  }));

Deno.test("loadIdxFolder() verifies by the SHA256SUMS that a server publishes", () =>
  withFolder({}, async (cache) => {
    const other = { "README.md": "1".repeat(64) };
    await using server = serve({
      ...plain,
      SHA256SUMS: sums({ ...other, ...await digestsOf(plain) }),
    });
    assert.equal((await load(server.url, cache)).test.count, 4);
  }));

Deno.test("loadIdxFolder() refuses files that nothing verifies", () =>
  withFolder({}, async (cache) => {
    await using server = serve(plain);
    await rejectsUserError(
      load(server.url, cache),
      `Cannot download "${server.url}train-images-idx3-ubyte": expected a SHA-256 to verify it ` +
        "by, given or in SHA256SUMS beside it: found none",
    );
  }));

Deno.test("loadIdxFolder() keeps the right files and not the wrong one", () =>
  withFolder({}, async (cache) => {
    const damaged = { ...plain, "t10k-labels-idx1-ubyte": plain["train-labels-idx1-ubyte"] };
    await using server = serve(damaged);
    const sha256 = await digestsOf(plain);
    await rejectsUserError(
      load(server.url, cache, sha256),
      `Cannot verify "${server.url}t10k-labels-idx1-ubyte": expected SHA-256 ` +
        `${sha256["t10k-labels-idx1-ubyte"]}: found ${sha256["train-labels-idx1-ubyte"]}`,
    );
    const kept = await Array.fromAsync(Deno.readDir(cache), (entry) => entry.name.split(".")[0]);
    assert.deepEqual(kept.sort(), [
      "t10k-images-idx3-ubyte",
      "train-images-idx3-ubyte",
      "train-labels-idx1-ubyte",
    ]);
  }));

Deno.test("loadIdxFolder() refuses an address that is none", () =>
  withFolder({}, async (cache) => {
    await rejectsUserError(
      load("http://", cache),
      'Cannot download a data set: expected an http(s) address: found "http://"',
    );
  }));
