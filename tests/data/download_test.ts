import assert from "node:assert/strict";
import { gunzip, gzip } from "../../formats/mod.ts";
import { cacheDirectory } from "../../data/cache_directory.ts";
import { download } from "../../data/download.ts";
import { sha256Hex } from "../../data/sha256.ts";
import { serve, withFolder } from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const body = new TextEncoder().encode("a small data file");
const sha256 = await sha256Hex(body);
const wrong = "f".repeat(64);

async function cached(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

Deno.test("download() fetches once and then reads what it kept", () =>
  withFolder({}, async (folder) => {
    await using server = serve({ file: body });
    const cacheDirectory = `${folder}/new/cache`;
    const urls = [`${server.url}file`];
    const file = { urls, sha256, name: "file", cacheDirectory };
    assert.deepEqual(await download(file), body);
    assert.deepEqual(await download({ ...file, sha256: sha256.toUpperCase() }), body);
    assert.deepEqual(server.requests, ["file"]);
    assert.deepEqual(await cached(cacheDirectory), [`file.${sha256.slice(0, 16)}`]);
  }));

Deno.test("download() fetches again what was damaged in the cache", () =>
  withFolder({}, async (folder) => {
    await using server = serve({ file: body });
    const kept = `${folder}/file.${sha256.slice(0, 16)}`;
    const file = { urls: [`${server.url}file`], sha256, name: "file", cacheDirectory: folder };
    await Deno.writeFile(kept, body.subarray(0, 5));
    assert.deepEqual(await download(file), body);
    assert.deepEqual(await Deno.readFile(kept), body);
    assert.equal(server.requests.length, 1);
  }));

Deno.test("download() goes on to the next address where a server has none", () =>
  withFolder({}, async (folder) => {
    await using server = serve({ second: await gzip(body) });
    const urls = [`${server.url}first`, `${server.url}second`];
    const bytes = await download({
      urls,
      sha256,
      name: "file",
      cacheDirectory: folder,
      decode: gunzip,
    });
    assert.deepEqual(bytes, body);
    assert.deepEqual(server.requests, ["first", "second"]);
  }));

Deno.test("download() keeps nothing that has the wrong digest", () =>
  withFolder({}, async (folder) => {
    await using server = serve({ file: body });
    const url = `${server.url}file`;
    await rejectsUserError(
      download({ urls: [url], sha256: wrong, name: "file", cacheDirectory: folder }),
      `Cannot verify "${url}": expected SHA-256 ${wrong}: found ${sha256}`,
    );
    assert.deepEqual(await cached(folder), []);
  }));

Deno.test("download() keeps nothing of a body that ends early", () =>
  withFolder({}, async (folder) => {
    // Deno.serve would not send a length that is wrong, so this one answer is written by hand.
    using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const answered = (async () => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(4096));
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`;
      await connection.write(new TextEncoder().encode(head));
      await connection.write(body.subarray(0, 5));
    })();
    const url = `http://127.0.0.1:${listener.addr.port}/file`;
    await rejectsUserError(
      download({ urls: [url], sha256, name: "file", cacheDirectory: folder }),
      new RegExp(`^Cannot download "${url}": .*error`),
    );
    await answered;
    assert.deepEqual(await cached(folder), []);
  }));

Deno.test("download() keeps nothing that cannot be decoded", () =>
  withFolder({}, async (folder) => {
    await using server = serve({ "file.gz": (await gzip(body)).slice(0, -5) });
    const url = `${server.url}file.gz`;
    await rejectsUserError(
      download({ urls: [url], sha256, name: "file", cacheDirectory: folder, decode: gunzip }),
      /^Cannot decompress "http.*file.gz": .* cut or corrupt$/,
    );
    assert.deepEqual(await cached(folder), []);
  }));

Deno.test("download() says which status or which failure it met", () =>
  withFolder({}, async (folder) => {
    await using server = serve(
      {},
      (path) => path === "broken" ? new Response("no", { status: 503 }) : undefined,
    );
    const from = (url: string) =>
      download({ urls: [url], sha256, name: "file", cacheDirectory: folder });
    const broken = `${server.url}broken`;
    await rejectsUserError(
      from(broken),
      `Cannot download "${broken}": expected HTTP status 200: found 503`,
    );
    const absent = `${server.url}absent`;
    await rejectsUserError(
      from(absent),
      `Cannot download "file": expected one of ${absent}: found none (HTTP status 404)`,
    );
    const closed = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const nobody = `http://127.0.0.1:${closed.addr.port}/file`;
    closed.close();
    await rejectsUserError(from(nobody), new RegExp(`^Cannot download "${nobody}": `));
    assert.deepEqual(await cached(folder), []);
  }));

Deno.test("cacheDirectory() follows the XDG specification", async (t) => {
  const names = ["XDG_CACHE_HOME", "HOME", "USERPROFILE"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  const withVariables = (values: Record<string, string | undefined>) => {
    for (const name of names) {
      const value = values[name];
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    return cacheDirectory;
  };
  try {
    await t.step("takes XDG_CACHE_HOME first", () => {
      const directory = withVariables({ XDG_CACHE_HOME: "/var/x", HOME: "/home/a" });
      assert.equal(directory(), "/var/x/bitcliff");
    });
    await t.step("passes over a relative one", () => {
      const directory = withVariables({ XDG_CACHE_HOME: "x", HOME: "/home/a" });
      assert.equal(directory(), "/home/a/.cache/bitcliff");
    });
    await t.step("says what to set where nothing names a home", () => {
      assert.throws(withVariables({}), {
        name: "UserError",
        message:
          "Cannot keep downloads: expected XDG_CACHE_HOME or HOME to name a folder: found neither",
      });
    });
  } finally {
    withVariables(Object.fromEntries(before));
  }
});
