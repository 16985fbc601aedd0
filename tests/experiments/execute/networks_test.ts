import assert from "node:assert/strict";
import { networkShelf } from "../../../experiments/execute/network_shelf.ts";
import { readStepLog } from "../../../experiments/step_log.ts";
import { networkId } from "../../../experiments/trial.ts";
import { UserError } from "../../../formats/mod.ts";
import { createModel, initialParameters } from "../../../models/mod.ts";
import { smallRecipe } from "./small_trials.ts";

const recipe = smallRecipe("bars");
const model = createModel(recipe.model, [1, 28, 28], 10);

/** A shelf in a folder that does not exist yet, and the path of seed 7's network. */
async function withShelf(test: (folder: string, path: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  const folder = `${parent}/networks`;
  const id = networkId({ ...recipe, seed: 7, compression: { kind: "none" } });
  try {
    await test(folder, `${folder}/${id}.safetensors`);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("networkShelf() gives a network back bit for bit, by recipe and seed", () =>
  withShelf(async (folder) => {
    const shelf = networkShelf(folder);
    assert.equal(await shelf.load(model, recipe, 7), undefined);
    const seven = { parameters: initialParameters(model, 7), updatesLost: 0.25 };
    shelf.save(model, recipe, 7, seven);
    assert.deepEqual(await networkShelf(folder).load(model, recipe, 7), seven);
    assert.equal(await shelf.load(model, recipe, 8), undefined);
    const longer = { ...recipe, training: { ...recipe.training, epochs: 2 } };
    assert.equal(await shelf.load(model, longer, 7), undefined);
  }));

Deno.test("networkShelf() writes down who trained a network and what its steps did", () =>
  withShelf(async (folder, path) => {
    const steps = [
      { updatesLost: 0.75, zeros: 0.5, norm: 7.123456789 },
      { updatesLost: 1, zeros: 0, norm: 8 },
    ];
    const parameters = initialParameters(model, 7);
    networkShelf(folder, "commit 1 on a").save(model, recipe, 7, { parameters, steps });
    const found = await networkShelf(folder, "commit 2 on b").load(model, recipe, 7);
    assert.deepEqual(found, { parameters, maker: "commit 1 on a" });
    const id = path.slice(folder.length + 1, -".safetensors".length);
    const read = [{ ...steps[0], step: 1, norm: 7.12346 }, { ...steps[1], step: 2 }];
    assert.deepEqual(readStepLog(folder, id), read);
    assert.equal(readStepLog(folder, "another"), undefined);
  }));

Deno.test("networkShelf() leaves whole files only, also where one is replaced", () =>
  withShelf(async (folder, path) => {
    const shelf = networkShelf(folder);
    shelf.save(model, recipe, 7, { parameters: initialParameters(model, 1) });
    const size = (await Deno.stat(path)).size;
    shelf.save(model, recipe, 7, { parameters: initialParameters(model, 2) });
    assert.equal((await Deno.stat(path)).size, size);
    assert.deepEqual(await shelf.load(model, recipe, 7), {
      parameters: initialParameters(model, 2),
    });
    const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.deepEqual(names.map((name) => `${folder}/${name}`), [path]);
  }));

Deno.test("networkShelf() does not take half a file of a process that was killed for a network", () =>
  withShelf(async (folder, path) => {
    const shelf = networkShelf(folder);
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${path}.1234.unfinished`, "half a netw");
    assert.equal(await shelf.load(model, recipe, 7), undefined);
    const seven = { parameters: initialParameters(model, 7), updatesLost: 0.25 };
    shelf.save(model, recipe, 7, seven);
    assert.deepEqual(await shelf.load(model, recipe, 7), seven);
  }));

Deno.test("networkShelf() refuses a damaged or foreign network, with its path, on one line", () =>
  withShelf(async (folder, path) => {
    const shelf = networkShelf(folder);
    const refused = () =>
      assert.rejects(shelf.load(model, recipe, 7), (error) => {
        assert.ok(error instanceof UserError, `${error}`);
        assert.ok(error.message.includes(path), error.message);
        assert.ok(!error.message.includes("\n"), error.message);
        return true;
      });
    shelf.save(model, recipe, 7, { parameters: initialParameters(model, 7) });
    const whole = await Deno.readFile(path);
    for (const length of [0, 4, 100, whole.length - 1]) {
      await Deno.writeFile(path, whole.subarray(0, length));
      await refused();
    }
    await Deno.writeFile(path, whole.map((byte, i) => i < 8 ? 255 : byte));
    await refused();
    const other = createModel({ kind: "fc_nn", hidden: [8] }, [1, 28, 28], 10);
    shelf.save(other, recipe, 7, { parameters: initialParameters(other, 7) });
    await refused();
  }));
