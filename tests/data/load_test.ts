import assert from "node:assert/strict";
import { datasetForm, loadDataset } from "../../data/mod.ts";
import { digestsOf, smallSet, spelled, withFolder } from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const files = await spelled(smallSet(), { separator: "-", gz: false });

Deno.test("loadDataset() takes the path of a folder and calls the set by its last part", () =>
  withFolder(files, async (folder) => {
    const set = await loadDataset(`${folder}/`, { sha256: await digestsOf(files) });
    assert.equal(`/${set.name}`, folder.slice(folder.lastIndexOf("/")));
    assert.equal(set.train.count, 12);
  }));

Deno.test("loadDataset() verifies a folder by the digests given", () =>
  withFolder(files, (folder) =>
    rejectsUserError(
      loadDataset(folder, { sha256: { "train-labels-idx1-ubyte": "0".repeat(64) } }),
      /^Cannot verify ".*train-labels-idx1-ubyte": expected SHA-256 0{64}: found [0-9a-f]{64}$/,
    )));

Deno.test("loadDataset() lists what it knows, with a near match", async () => {
  await rejectsUserError(
    loadDataset("mnits"),
    'Cannot find data set "mnits": known are mnist, fashion-mnist, cifar10, a folder or address of idx ' +
      'files: did you mean "mnist"?',
  );
  await rejectsUserError(loadDataset("fashion_mnist"), /did you mean "fashion-mnist"\?$/);
  await rejectsUserError(loadDataset("constructor"), /^Cannot find data set "constructor": /);
  await rejectsUserError(loadDataset(""), /^Cannot find data set "": /);
});

Deno.test("loadDataset() says what is missing in a folder that is not there", () =>
  rejectsUserError(
    loadDataset("./no/such/folder"),
    /^Cannot read a data set from ".\/no\/such\/folder": .*: found no such folder$/,
  ));

Deno.test("loadDataset() refuses options that do not fit the name", async () => {
  await rejectsUserError(
    loadDataset("mnist", { sha256: {} }),
    'Cannot load data set "mnist": its SHA-256 digests are known: found others',
  );
  await rejectsUserError(
    loadDataset("cifar", { directory: "/tmp" }),
    /^Cannot find data set "cifar": known are mnist, fashion-mnist, cifar10: did you mean "cifar10"\?$/,
  );
});

Deno.test("datasetForm() is what the set turns out to be", async () => {
  const { train, classes } = await loadDataset("mnist");
  assert.deepEqual(datasetForm("mnist"), {
    inputShape: [train.channels, train.height, train.width],
    classes: classes.length,
  });
  assert.deepEqual(datasetForm("cifar10")?.inputShape, [3, 32, 32]);
  assert.equal(datasetForm("./folder"), undefined);
});
