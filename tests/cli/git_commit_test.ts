import assert from "node:assert/strict";
import { gitCommit } from "../../cli/git_commit.ts";

const [FIRST, SECOND, PACKED] = ["1", "2", "3"].map((digit) => digit.repeat(40));

/** Runs `test` with a folder that holds files of these names and contents; it is gone afterward. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, content);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("gitCommit() reads the commit of a branch, packed or not, and a detached one", async () => {
  const heads = {
    [FIRST]: { HEAD: "ref: refs/heads/main\n", "refs/heads/main": `${FIRST}\n` },
    [SECOND]: { HEAD: `${SECOND}\n` },
    [PACKED]: {
      HEAD: "ref: refs/heads/main\n",
      "packed-refs": `# pack-refs with: peeled\n${FIRST} refs/heads/not-main\n` +
        `${PACKED} refs/heads/main\n`,
    },
    unknown: { HEAD: "ref: refs/heads/unborn\n" },
  };
  for (const [commit, files] of Object.entries(heads)) {
    const inside = Object.entries(files).map(([name, content]) => [`.git/${name}`, content]);
    await withFiles(
      Object.fromEntries(inside),
      async (folder) => assert.equal(await gitCommit(folder), commit),
    );
  }
});

Deno.test("gitCommit() reads the commit of a worktree, whose branch lies with those of the others", async () => {
  for (
    const [pointer, common] of [["../main/.git", "../.."], ["FOLDER/main/.git", "FOLDER/main/.git"]]
  ) {
    await withFiles({
      "main/.git/HEAD": "ref: refs/heads/main\n",
      "main/.git/refs/heads/main": `${FIRST}\n`,
      "main/.git/refs/heads/side": `${SECOND}\n`,
      "main/.git/packed-refs": `${PACKED} refs/heads/other\n`,
      "main/.git/worktrees/side/HEAD": "ref: refs/heads/side\n",
      "main/.git/worktrees/other/HEAD": "ref: refs/heads/other\n",
      "main/.git/worktrees/detached/HEAD": `${PACKED}\n`,
    }, async (folder) => {
      const placed = (text: string) => text.replace("FOLDER", folder);
      for (const [name, commit] of [["side", SECOND], ["other", PACKED], ["detached", PACKED]]) {
        const worktree = `${folder}/${name}`;
        await Deno.mkdir(worktree);
        await Deno.writeTextFile(
          `${worktree}/.git`,
          `gitdir: ${placed(pointer)}/worktrees/${name}\n`,
        );
        await Deno.writeTextFile(
          `${folder}/main/.git/worktrees/${name}/commondir`,
          `${placed(common)}\n`,
        );
        assert.equal(await gitCommit(worktree), commit, `${name}, ${pointer}`);
      }
      assert.equal(await gitCommit(`${folder}/main`), FIRST);
    });
  }
});

Deno.test("gitCommit() reads the commit of a submodule, which shares nothing", () =>
  withFiles({
    "home/part/.git": "gitdir: ../.git/modules/part\n",
    "home/.git/modules/part/HEAD": "ref: refs/heads/main\n",
    "home/.git/modules/part/refs/heads/main": `${SECOND}\n`,
  }, async (folder) => assert.equal(await gitCommit(`${folder}/home/part`), SECOND)));

Deno.test("gitCommit() is unknown outside a checkout, and where a worktree points to nothing", () =>
  withFiles({ "lost/.git": "gitdir: ../gone/.git/worktrees/lost\n" }, async (folder) => {
    assert.equal(await gitCommit(folder), "unknown");
    assert.equal(await gitCommit(`${folder}/lost`), "unknown");
  }));
