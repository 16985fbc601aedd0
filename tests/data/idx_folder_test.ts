import assert from "node:assert/strict";
import { encodeIdx } from "../../formats/mod.ts";
import { loadIdxFolder } from "../../data/idx_folder.ts";
import {
  digestsOf,
  type IdxContents,
  smallSet,
  spelled,
  type Spelling,
  withFolder,
} from "./idx_fixture.ts";
import { rejectsUserError } from "./rejects_user_error.ts";

const spellings: Spelling[] = [
  { separator: "-", gz: false },
  { separator: ".", gz: false },
  { separator: "-", gz: true },
  { separator: ".", gz: true },
];
const plain = spellings[0];

for (const spelling of spellings) {
  const example = `train-images${spelling.separator}idx3-ubyte${spelling.gz ? ".gz" : ""}`;
  Deno.test(`loadIdxFolder() reads files spelled like ${example}`, async () => {
    const contents = smallSet();
    await withFolder(await spelled(contents, spelling), async (folder) => {
      const set = await loadIdxFolder({ folder, name: "small" });
      assert.equal(set.name, "small");
      assert.equal(set.source, folder);
      assert.deepEqual(set.classes, ["0", "1", "2"]);
      assert.deepEqual(
        [set.train.count, set.train.channels, set.train.height, set.train.width, set.test.count],
        [12, 1, 3, 2, 4],
      );
      assert.deepEqual(set.train.images, contents["train-images"].subarray(16));
      assert.deepEqual([...set.test.labels], [0, 1, 2, 0]);
      assert.deepEqual(set.sha256, await digestsOf(await spelled(contents, plain)));
    });
  });
}

Deno.test("loadIdxFolder() reads a gzip file that is not named so", async () => {
  const files = await spelled(smallSet(), { separator: "-", gz: true });
  const renamed = Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name.replace(".gz", ""), bytes]),
  );
  await withFolder(renamed, async (folder) => {
    assert.equal((await loadIdxFolder({ folder, name: "small" })).train.count, 12);
  });
});

Deno.test("loadIdxFolder() reads images with channels", async () => {
  const contents = smallSet();
  const color = (count: number) =>
    encodeIdx({ shape: [count, 3, 2, 2], data: new Uint8Array(count * 12) });
  const files = { ...contents, "train-images": color(12), "t10k-images": color(4) };
  await withFolder(await spelled(files, plain), async (folder) => {
    const { train } = await loadIdxFolder({ folder, name: "color" });
    assert.deepEqual([train.channels, train.height, train.width], [3, 2, 2]);
  });
});

/** Loads the small set after one change and expects an error. */
async function refuses(
  change: (contents: IdxContents) => Partial<IdxContents>,
  expected: (folder: string) => string | RegExp,
): Promise<void> {
  const contents = smallSet();
  await withFolder(
    await spelled({ ...contents, ...change(contents) }, plain),
    async (folder) => {
      await rejectsUserError(loadIdxFolder({ folder, name: "small" }), expected(folder));
    },
  );
}

Deno.test("loadIdxFolder() names the file that was cut, and where", async () => {
  await refuses(
    (contents) => ({ "train-images": contents["train-images"].slice(0, 50) }),
    (folder) =>
      `Cannot decode "${folder}/train-images-idx3-ubyte": the idx file was cut at byte 50, ` +
      "expected 88 bytes",
  );
});

Deno.test("loadIdxFolder() refuses counts that differ", async () => {
  await refuses(
    () => ({ "train-labels": encodeIdx({ shape: [11], data: new Uint8Array(11) }) }),
    (folder) =>
      `Cannot read labels from "${folder}/train-labels-idx1-ubyte": expected 12, one for each ` +
      `image of "${folder}/train-images-idx3-ubyte": found 11`,
  );
});

Deno.test("loadIdxFolder() refuses shapes that are not images or labels", async () => {
  await refuses(
    ({ "train-labels": labels }) => ({ "train-images": labels }),
    (folder) =>
      `Cannot read images from "${folder}/train-images-idx3-ubyte": the shape must be ` +
      "[count, height, width] or [count, channels, height, width]: found [12]",
  );
  await refuses(
    ({ "train-images": images }) => ({ "train-labels": images }),
    (folder) =>
      `Cannot read labels from "${folder}/train-labels-idx1-ubyte": the shape must be [count]: ` +
      "found [12, 3, 2]",
  );
  await refuses(
    () => ({ "t10k-images": encodeIdx({ shape: [4, 0, 2], data: new Uint8Array(0) }) }),
    (folder) =>
      `Cannot read images from "${folder}/t10k-images-idx3-ubyte": there must be at least one ` +
      "pixel: found shape [4, 0, 2]",
  );
  await refuses(
    () => ({ "t10k-images": encodeIdx({ shape: [4, 2, 3], data: new Uint8Array(24) }) }),
    (folder) =>
      `Cannot read images from "${folder}/t10k-images-idx3-ubyte": expected ` +
      "[channels, height, width] [1, 3, 2] as in training: found [1, 2, 3]",
  );
});

Deno.test("loadIdxFolder() refuses labels that no class has", async () => {
  await refuses(
    () => ({ "t10k-labels": encodeIdx({ shape: [4], data: Uint8Array.of(0, 1, 3, 2) }) }),
    (folder) =>
      `Cannot read labels from "${folder}/t10k-labels-idx1-ubyte": expected 0 to 2: ` +
      "found 3 at image 2",
  );
  await withFolder(await spelled(smallSet(), plain), async (folder) => {
    await rejectsUserError(
      loadIdxFolder({ folder, name: "small", classes: ["no", "yes"] }),
      `Cannot read labels from "${folder}/train-labels-idx1-ubyte": expected 0 to 1: ` +
        "found 2 at image 2",
    );
  });
});

Deno.test("loadIdxFolder() says which file is missing and what is there instead", async () => {
  const { "train-images-idx3-ubyte": _, ...rest } = await spelled(smallSet(), plain);
  const names = "train-images-idx3-ubyte or train-images.idx3-ubyte or " +
    "train-images-idx3-ubyte.gz or train-images.idx3-ubyte.gz";
  const refusal = (folder: string, found: string) =>
    rejectsUserError(
      loadIdxFolder({ folder, name: "small" }),
      `Cannot read a data set from "${folder}": expected ${names}: found ${found}`,
    );
  await withFolder(rest, async (folder) => {
    await refusal(
      folder,
      "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, train-labels-idx1-ubyte",
    );
    await refusal(`${folder}/nowhere`, "no such folder");
  });
  await withFolder({}, (folder) => refusal(folder, "an empty folder"));
});

Deno.test("loadIdxFolder() verifies digests of content and of compressed files", async () => {
  const contents = smallSet();
  const content = await digestsOf(await spelled(contents, plain));
  const files = await spelled(contents, { separator: ".", gz: true });
  const compressed = await digestsOf(files);
  await withFolder(files, async (folder) => {
    const load = (sha256: Record<string, string>) =>
      loadIdxFolder({ folder, name: "small", sha256 });
    await load(content);
    await load(compressed);
    const wrong = "0".repeat(64);
    await rejectsUserError(
      load({ ...content, "t10k-labels-idx1-ubyte": wrong }),
      `Cannot verify "${folder}/t10k-labels.idx1-ubyte.gz": expected SHA-256 ${wrong}: ` +
        `found ${content["t10k-labels-idx1-ubyte"]}`,
    );
    await rejectsUserError(
      load({ ...compressed, "train-labels.idx1-ubyte.gz": wrong }),
      `Cannot verify "${folder}/train-labels.idx1-ubyte.gz": expected SHA-256 ${wrong}: ` +
        `found ${compressed["train-labels.idx1-ubyte.gz"]}`,
    );
    await rejectsUserError(
      load({ "train-image-idx3-ubyte": wrong }),
      /^Cannot find data file "train-image-idx3-ubyte": .*did you mean "train-images-idx3-ubyte"\?$/,
    );
    await rejectsUserError(
      load({ "train-images-idx3-ubyte": "123" }),
      'Cannot verify "train-images-idx3-ubyte": a SHA-256 must be 64 hexadecimal digits: ' +
        'found "123"',
    );
  });
});

Deno.test("loadIdxFolder() does not pass over a digest of a compressed file", async () => {
  const contents = smallSet();
  const sha256 = await digestsOf(await spelled(contents, { separator: "-", gz: true }));
  await withFolder(await spelled(contents, plain), async (folder) => {
    await rejectsUserError(
      loadIdxFolder({ folder, name: "small", sha256 }),
      /expected train-images-idx3-ubyte.gz or train-images.idx3-ubyte.gz: found t10k-images/,
    );
  });
});

Deno.test("loadIdxFolder() names the compressed file that is corrupt", async () => {
  const files = await spelled(smallSet(), { separator: "-", gz: true });
  const name = "train-labels-idx1-ubyte.gz";
  files[name] = files[name].slice(0, -5);
  await withFolder(files, async (folder) => {
    await rejectsUserError(
      loadIdxFolder({ folder, name: "small" }),
      `Cannot decompress "${folder}/${name}": expected one whole gzip file: ` +
        `found ${files[name].length} bytes that are cut or corrupt`,
    );
  });
});
