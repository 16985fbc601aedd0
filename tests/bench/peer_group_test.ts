import assert from "node:assert/strict";
import { startPeerGroup } from "../../bench/peer_group.ts";
import { fakePeer } from "./fake_command.ts";

const request = (peer: "tfjs" | "PyWavelets") =>
  ({ peer, workload: "matmul", params: {}, seed: 1, minimumSeconds: 0 }) as const;

Deno.test("startPeerGroup() asks the process that a request is for", async () => {
  const pyWavelets = fakePeer("python");
  await using peers = await startPeerGroup({ libraries: fakePeer(), pyWavelets });
  assert.deepEqual(peers.versions, { "jax-js": "0", tfjs: "0", PyWavelets: "1" });
  assert.deepEqual(peers.absences, []);
  for (const peer of ["tfjs", "PyWavelets"] as const) {
    const answer = await peers.ask(request(peer));
    assert.ok(answer.ok);
    assert.equal(answer.version, peer === "tfjs" ? "0" : "1");
  }
});

Deno.test("startPeerGroup() goes on without PyWavelets, and says why in a line", async () => {
  const nowhere = { ...fakePeer(), cwd: new URL("./no_such_folder/", import.meta.url) };
  const absent = [
    [nowhere, "there is no python3"],
    [fakePeer("silent"), "chatter before the greeting"],
  ] as const;
  for (const [pyWavelets, why] of absent) {
    await using peers = await startPeerGroup({ libraries: fakePeer(), pyWavelets });
    const reason = `PyWavelets is left out: it needs a python3 that has it: ${why}`;
    assert.deepEqual(peers.absences, [reason]);
    assert.deepEqual(Object.keys(peers.versions), ["jax-js", "tfjs"]);
    assert.ok((await peers.ask(request("tfjs"))).ok);
    assert.deepEqual(await peers.ask(request("PyWavelets")), {
      ok: false,
      unsupported: true,
      reason,
    });
  }
});

Deno.test("startPeerGroup() ends what it has started when the libraries on WebGPU do not start", async () => {
  await assert.rejects(
    startPeerGroup({ libraries: fakePeer("silent"), pyWavelets: fakePeer() }),
    /their process must answer: it ended/,
  );
});
