import assert from "node:assert/strict";
import { checkFiles, takeBestAlong, trainFiles, writeCurve } from "../../cli/train_files.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("trainFiles() puts the files of a training beside its checkpoint", () => {
  assert.deepEqual(trainFiles("/a/m.safetensors"), {
    last: "/a/m.safetensors",
    best: "/a/m.best.safetensors",
    csv: "/a/m.curve.csv",
    png: "/a/m.curve.png",
  });
  assert.equal(new Set(Object.values(trainFiles("/a/m"))).size, 4, "none over another");
});

Deno.test("checkFiles() refuses each file whose place is a folder", () =>
  withFolder(async (folder) => {
    const files = trainFiles(`${folder}/m.safetensors`);
    await checkFiles(files);
    for (const path of Object.values(files)) {
      await Deno.mkdir(path);
      await assert.rejects(checkFiles(files), {
        name: "UserError",
        message: new RegExp(`^Cannot write a (checkpoint|curve) to ${path}: .* found a folder$`),
      });
      await Deno.remove(path);
    }
  }));

Deno.test("takeBestAlong() copies the best network to where a training goes on, or says it is missing", () =>
  withFolder(async (folder) => {
    const from = `${folder}/a.safetensors`;
    const files = trainFiles(`${folder}/b.safetensors`);
    const missing = {
      name: "UserError",
      message: /^Cannot resume from .*a\.safetensors: the best .* must be beside it: \w/,
    };
    await assert.rejects(takeBestAlong(from, files), missing);
    await assert.rejects(takeBestAlong(from, trainFiles(from)), missing);
    await Deno.writeTextFile(trainFiles(from).best, "the best");
    await takeBestAlong(from, files);
    await takeBestAlong(from, trainFiles(from));
    assert.equal(await Deno.readTextFile(files.best), "the best");
  }));

Deno.test("writeCurve() writes numbers that read back to the last bit, and empty cells", () =>
  withFolder(async (folder) => {
    const path = `${folder}/m.curve.csv`;
    const loss = 0.1 + 0.2;
    writeCurve(path, [
      { epoch: 1, trainingLoss: loss },
      { epoch: 2, trainingLoss: 1 / 3, validationLoss: 0.5, validationAccuracy: 0.75 },
    ]);
    const [, first, second] = (await Deno.readTextFile(path)).split("\r\n");
    assert.equal(first, `1,${loss},,`);
    assert.deepEqual(second.split(",").map(Number), [2, 1 / 3, 0.5, 0.75]);
  }));
