import assert from "node:assert/strict";
import { cifar10Sha256, loadCifar10, loadDataset, splitTrainValidation } from "../../data/mod.ts";
import { decodeBatches, readBatches } from "../../data/cifar10_batches.ts";
import { gzip } from "../../formats/mod.ts";
import { cifar10Folder } from "../support/shared_data.ts";
import { withFolder } from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const BATCH_BYTES = 10_000 * 3073;

Deno.test({
  name: "loadCifar10() finds, verifies and decodes the published files" +
    (cifar10Folder ? "" : " (skipped: BITCLIFF_DATA has no cifar10)"),
  ignore: cifar10Folder === undefined,
  async fn() {
    const { train, test, classes, sha256, sizes, validationCount } = await loadCifar10({
      directory: cifar10Folder,
    });
    assert.deepEqual([train.count, test.count, validationCount], [50_000, 10_000, 10_000]);
    assert.deepEqual([train.channels, train.height, train.width], [3, 32, 32]);
    assert.deepEqual(
      classes.join(),
      "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck",
    );
    assert.deepEqual(sha256, cifar10Sha256);
    assert.deepEqual(
      [sizes["data_batch_1.bin"], sizes["batches.meta.txt"]],
      [BATCH_BYTES, 61],
    );
    for (let label = 0; label < 10; label++) {
      const each = [train, test].map(({ labels }) => labels.filter((one) => one === label).length);
      assert.deepEqual(each, [5000, 1000]);
    }
    // the means that everybody normalizes by
    const sums = [0, 0, 0];
    train.images.forEach((pixel, i) => sums[Math.floor(i / 1024) % 3] += pixel);
    const means = sums.map((sum) => (sum / 255 / 1024 / train.count).toFixed(4));
    assert.deepEqual(means, ["0.4914", "0.4822", "0.4465"]);
    const { validation } = splitTrainValidation(train, validationCount);
    assert.equal(validation.labels.byteOffset - train.labels.byteOffset, 40_000);
  },
});

Deno.test("loadCifar10() lists every batch that is missing or short, with both counts", () =>
  withFolder({}, async (folder) => {
    const zipped = await gzip(new Uint8Array(5));
    await Deno.writeFile(`${folder}/data_batch_2.bin.gz`, zipped);
    await Deno.writeFile(`${folder}/data_batch_4.bin`, new Uint8Array(3073));
    await Deno.writeFile(`${folder}/test_batch.bin`, new Uint8Array(BATCH_BYTES));
    const words = `Cannot read CIFAR-10 from "${folder}": every batch must be whole: ` +
      "data_batch_1.bin: expected 30730000 bytes: it is missing; " +
      "data_batch_2.bin: expected 30730000 bytes: found 5; " +
      "data_batch_3.bin: expected 30730000 bytes: it is missing; " +
      "data_batch_4.bin: expected 30730000 bytes: found 3073; " +
      "data_batch_5.bin: expected 30730000 bytes: it is missing; batches.meta.txt: it is missing";
    await rejectsUserError(loadCifar10({ directory: folder }), words);
    await rejectsUserError(loadDataset("cifar10", { directory: `${folder}/` }), words);
  }));

Deno.test("loadCifar10() looks into the folder cifar10 of the folder it is given", () =>
  withFolder({}, async (folder) => {
    await rejectsUserError(
      loadCifar10({ directory: folder }),
      new RegExp(`^Cannot read CIFAR-10 from "${folder}": `),
    );
    await Deno.mkdir(`${folder}/cifar10`);
    await Deno.writeFile(`${folder}/cifar10/test_batch.bin`, new Uint8Array(7));
    await rejectsUserError(
      loadCifar10({ directory: folder }),
      new RegExp(
        `^Cannot read CIFAR-10 from "${folder}/cifar10": .*; test_batch.bin: .*: found 7;`,
      ),
    );
  }));

Deno.test("loadCifar10() refuses files of the right length that are others", () =>
  withFolder({}, async (folder) => {
    for (const file of Object.keys(cifar10Sha256)) {
      using sparse = await Deno.create(`${folder}/${file}`);
      await sparse.truncate(BATCH_BYTES);
    }
    await rejectsUserError(
      loadCifar10({ directory: folder }),
      new RegExp(
        `^Cannot verify "${folder}/data_batch_1.bin": expected SHA-256 ` +
          `${cifar10Sha256["data_batch_1.bin"]}: found [0-9a-f]{64}$`,
      ),
    );
  }));

Deno.test("decodeBatches() sets labels apart from pixels and refuses labels of no class", () => {
  const batch = (label: number) => {
    const bytes = new Uint8Array(BATCH_BYTES);
    bytes.set([label, 10, 20], 3073); // the second record
    return { name: `of ${label}`, bytes };
  };
  const { images, labels, count } = decodeBatches([batch(3), batch(9)], 10);
  assert.equal(count, 20_000);
  assert.deepEqual([labels[0], labels[1], labels[10_001]], [0, 3, 9]);
  assert.deepEqual([...images.subarray(3072, 3075)], [10, 20, 0]);
  assert.throws(() => decodeBatches([batch(3), batch(10)], 10), {
    name: "UserError",
    message: 'Cannot read labels from "of 10": expected 0 to 9: found 10 at image 1',
  });
});

Deno.test("readBatches() says what is wrong with a file that is no gzip", () =>
  withFolder({}, async (folder) => {
    await Deno.writeFile(`${folder}/data_batch_1.bin.gz`, new Uint8Array(100));
    await rejectsUserError(
      readBatches(folder),
      `Cannot decompress "${folder}/data_batch_1.bin.gz": gzip must begin with 1f 8b: found 00 00`,
    );
  }));
