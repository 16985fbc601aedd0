import assert from "node:assert/strict";
import { refusal, succeed } from "./command.ts";

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

Deno.test("bench refuses a time that makes no sense, in one line", async () => {
  assert.deepEqual(await bench("relu", "--seconds", "0"), {
    code: 2,
    out: "",
    error: "Cannot use a time of 0: it must be a number above 0\n",
  });
});

Deno.test("bench --peers refuses a workload that does not exist, with a near match", async () => {
  const { code, out, error } = await bench("--peers", "conv2d", "cnn_stp");
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(
    error,
    /^Cannot find workload "cnn_stp": known are .*: did you mean "cnn_step"\?\n$/,
  );
});

Deno.test("bench --json appends what it prints to bench.jsonl, a line a run", async () => {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    const earlier = '{"command":"bitcliff bench --json"}\n';
    await Deno.writeTextFile(`${folder}/bench.jsonl`, earlier);
    const args = ["relu", "--quick", "--json", "--seconds", "0.001", "--out", folder];
    const { stdout, stderr } = await succeed("bench", ...args);
    assert.ok(stderr.endsWith(`appended to ${folder}/bench.jsonl\n`), stderr);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["bench.jsonl"]);
    const text = await Deno.readTextFile(`${folder}/bench.jsonl`);
    assert.ok(text.startsWith(earlier) && text.endsWith("}\n"), text);
    const { command, commit, started, ...result } = JSON.parse(text.slice(earlier.length));
    assert.deepEqual(result, JSON.parse(stdout));
    assert.ok(result.kernels[0].rows[0].timing.median > 0);
    assert.equal(command, ["bitcliff", "bench", ...args].join(" "));
    assert.match(commit, /^([0-9a-f]{40}|unknown)$/);
    assert.equal(new Date(started).toISOString(), started);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench --json refuses a folder that it cannot write to before it measures", async () => {
  const file = await Deno.makeTempFile();
  try {
    const said = await refusal("bench", "relu", "--json", "--out", file);
    assert.match(said, /^Cannot write results to .*: it must be a folder with room for /);
  } finally {
    await Deno.remove(file);
  }
});
