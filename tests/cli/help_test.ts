import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));

/** Runs the program as it is, without a task, the launcher or a permission. */
async function main(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: root,
    args: ["run", "--quiet", "--no-prompt", "--no-check", "cli/main.ts", ...args],
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

Deno.test("main lists its commands when it is asked for help or for nothing", async () => {
  for (const args of [["--help"], ["-h"], []]) {
    const { code, out, error } = await main(...args);
    assert.equal(code, 0, error);
    assert.equal(error, "");
    for (const name of ["sweep", "train", "evaluate", "inspect", "bench", "verify", "data"]) {
      assert.match(out, new RegExp(`^  ${name} +${tasks[name].description}$`, "m"));
    }
    assert.doesNotMatch(out, /^ {2}check /m, "a task, but no command of the program");
  }
});

Deno.test("main still answers an unknown command with what is known", async () => {
  assert.deepEqual(await main("--hlep"), {
    code: 2,
    out: "",
    error:
      'Cannot find command "--hlep": known are sweep, train, evaluate, inspect, bench, verify, data\n',
  });
});
