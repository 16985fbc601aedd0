import assert from "node:assert/strict";
import { dirname } from "node:path";
import { type Archive, fetchArchive } from "../../data/archive.ts";
import { sha256Hex } from "../../data/sha256.ts";
import { gzip } from "../../formats/mod.ts";
import { withFolder } from "./idx_fixture.ts";
import { type Habits, serveRanges } from "./range_server.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const tar = Deno.readFileSync(new URL("../fixtures/formats/reference.tar", import.meta.url));
const body = await gzip(tar);
const about = { size: body.length, sha256: await sha256Hex(body) };

function withServer(
  habits: Habits,
  use: (archive: Archive, folder: string) => Promise<void>,
): Promise<void> {
  return withFolder({}, async (folder) => {
    await using server = serveRanges(body, habits);
    await use({ ...about, url: server.url, files: ["a.bin", "empty"] }, `${folder}/cache/batches`);
  });
}

async function listed(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("fetchArchive() unpacks what is wanted, over a connection that breaks", () =>
  withServer({ breaksAfter: [100] }, async (archive, folder) => {
    let last = 0;
    await fetchArchive(archive, folder, (_name, received) => last = received);
    assert.equal(last, body.length);
    assert.deepEqual(await listed(folder), ["a.bin", "empty"]);
    assert.equal((await Deno.readFile(`${folder}/a.bin`)).length, 1280);
    assert.deepEqual(await listed(dirname(folder)), ["batches"]);
  }));

Deno.test("fetchArchive() leaves no folder where the archive lacks a file", () =>
  withServer({}, async (archive, folder) => {
    await rejectsUserError(
      fetchArchive({ ...archive, files: ["a.bin", "c.bin"] }, folder),
      `Cannot unpack "${archive.url}": it must hold a.bin, c.bin: it lacks c.bin`,
    );
    assert.deepEqual(await listed(dirname(folder)), ["batches.tar.gz.part"]);
  }));

Deno.test("fetchArchive() keeps nothing of the wrong archive", () =>
  withServer({}, async (archive, folder) => {
    await rejectsUserError(
      fetchArchive({ ...archive, sha256: "0".repeat(64) }, folder),
      /^Cannot verify/,
    );
    assert.deepEqual(await listed(dirname(folder)), []);
  }));
