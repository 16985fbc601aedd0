import assert from "node:assert/strict";
import { converse } from "./converse.ts";
import type { Measurement, PeerName, PythonName } from "./protocol.ts";
import { assertClose, assertRight, references, small } from "./references.ts";
import { workloads, workloadsOf } from "./workloads.ts";

const SEED = 5;

/** The script of each peer, the module that it needs and the workload that its clock is tried on. */
const peers: Readonly<Record<PythonName, { script: string; module: string; timed: string }>> = {
  PyTorch: { script: "pytorch.py", module: "torch", timed: "conv2d" },
  PyWavelets: { script: "pywavelets.py", module: "pywt", timed: "haar_2d" },
};

const importsOf = async (module: string): Promise<boolean> =>
  await new Deno.Command("python3", { args: ["-c", `import numpy, ${module}`], stderr: "null" })
    .output().then(({ success }) => success, () => false);

function request(peer: PeerName, workload: string, minimumSeconds: number = 0): string {
  return JSON.stringify({ peer, workload, params: small[workload], seed: SEED, minimumSeconds });
}

for (const [name, { script, module, timed }] of Object.entries(peers)) {
  const peer = name as PythonName;
  const isThere = await importsOf(module);
  const command = ["python3", "-B", script];

  Deno.test({
    name: `${script} computes and times the inputs of random.ts, and outlives errors`,
    ignore: !isThere, // needs a python3 that has the library
    async fn() {
      const names = workloadsOf(peer);
      const lines = [
        ...names.map((workload) => request(peer, workload)),
        "no JSON",
        request(peer, "fc_nn_evaluation"),
        request(peer, timed, 0.1),
      ];
      const [greeting, ...answers] = await converse(lines, command);
      assert.deepEqual(Object.keys(greeting.peers), [peer]);
      assert.deepEqual(
        greeting.workloads,
        Object.fromEntries(names.map((workload) => [workload, workloads[workload].defaults])),
      );
      names.forEach((workload, i) => {
        const answer = answers[i];
        assert.ok(answer.ok, JSON.stringify(answer));
        if (workload in references) assertRight(answer, workload, SEED);
      });
      const [garbled, unknown, measured] = answers.slice(names.length);
      assert.ok(!garbled.ok && !garbled.unsupported);
      assert.ok(!unknown.ok && unknown.unsupported);
      const { median_ms, p10, p90, repetitions } = measured as Measurement;
      assert.ok(p10! > 0 && p10! <= median_ms! && median_ms! <= p90! && repetitions > 1);
    },
  });
}

Deno.test({
  name: "pytorch.py trains on the losses of jax-js",
  ignore: !await importsOf("torch"), // needs a python3 that has PyTorch
  async fn() {
    const [, ours] = await converse([request("jax-js", "cnn_step")]);
    const [, theirs] = await converse([request("PyTorch", "cnn_step")], [
      "python3",
      "-B",
      "pytorch.py",
    ]);
    assert.ok(ours.ok && theirs.ok, JSON.stringify([ours, theirs]));
    const expected = ours.outputs.losses.values;
    assert.equal(theirs.outputs.losses.length, small.cnn_step.steps);
    assert.ok(expected[2] < expected[0], `it learns: ${expected}`);
    theirs.outputs.losses.values.forEach((loss, i) =>
      assertClose(loss, expected[i], `cnn_step loss ${i}`)
    );
  },
});
