import assert from "node:assert/strict";
import { fashionMnistClasses, fashionMnistSha256, loadFashionMnist } from "../../data/mod.ts";
import { smallSet, spelled, withFolder } from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const debianFolder = "/usr/share/datasets/fashion-mnist";
const installed = await Deno.stat(debianFolder).then(() => true, () => false);

async function withData(folder: string, use: () => Promise<void>): Promise<void> {
  const before = Deno.env.get("BITCLIFF_DATA");
  Deno.env.set("BITCLIFF_DATA", folder);
  try {
    await use();
  } finally {
    if (before === undefined) Deno.env.delete("BITCLIFF_DATA");
    else Deno.env.set("BITCLIFF_DATA", before);
  }
}

Deno.test({
  name: "loadFashionMnist() finds and verifies what Debian installs" +
    (installed ? "" : " (skipped: dataset-fashion-mnist is not installed)"),
  ignore: !installed,
  async fn() {
    const { train, test, classes, sha256, source } = await loadFashionMnist();
    assert.deepEqual(sha256, fashionMnistSha256);
    assert.equal(source, debianFolder);
    assert.deepEqual([train.count, test.count], [60_000, 10_000]);
    assert.equal(classes[train.labels[0]], "Ankle boot");
    // The mean that everybody normalizes by: 0.2860.
    const mean = train.images.reduce((sum, pixel) => sum + pixel, 0) / train.images.length / 255;
    assert.equal(mean.toFixed(4), "0.2860");
  },
});

Deno.test("loadFashionMnist() looks in BITCLIFF_DATA first and refuses other files there", async () => {
  const files = await spelled(smallSet(), { separator: ".", gz: true });
  await withFolder(files, (folder) =>
    withData(folder, () =>
      rejectsUserError(
        loadFashionMnist(),
        new RegExp(`^Cannot verify "${folder}/train-images.idx3-ubyte.gz": expected SHA-256 `),
      )));
});

Deno.test({
  name: "loadFashionMnist() says how to get it where it is nowhere" +
    (installed ? " (skipped: dataset-fashion-mnist is installed)" : ""),
  ignore: installed,
  fn: () =>
    withFolder({}, (folder) =>
      withData(folder, () =>
        rejectsUserError(
          loadFashionMnist(),
          `Cannot load data set "fashion-mnist": expected its files in ${folder}/fashion-mnist or ` +
            `${folder} or ${debianFolder}: found none; on Debian and Ubuntu run ` +
            "`apt-get install dataset-fashion-mnist`, elsewhere name the folder or address that " +
            "holds them with --data or BITCLIFF_DATA",
        ))),
});

Deno.test("fashionMnistClasses names ten classes, each once", () => {
  assert.equal(new Set(fashionMnistClasses).size, 10);
});
