import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);

async function bench(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: root,
    // --quiet: on a fresh machine Deno says what it downloads, in between
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--allow-read",
      "--allow-env",
      "cli/main.ts",
      "bench",
      ...args,
    ],
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

Deno.test("bench refuses a kernel that does not exist, with a near match", async () => {
  const { code, out, error } = await bench("matmull");
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(error, /^Cannot find kernel "matmull": known are .*: did you mean "matmul"\?\n$/);
});

Deno.test("bench refuses times and combinations that make no sense, in one line", async () => {
  assert.deepEqual(await bench("relu", "--seconds", "0"), {
    code: 2,
    out: "",
    error: "Cannot use a time of 0: it must be a number above 0\n",
  });
  const { code, error } = await bench("--peers", "relu");
  assert.equal(code, 2);
  assert.match(error, /^Cannot measure peers on kernels of ours: --peers takes no names: relu\n$/);
});
