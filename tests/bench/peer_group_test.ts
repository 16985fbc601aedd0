import assert from "node:assert/strict";
import { startPeerGroup } from "../../bench/peer_group.ts";
import type { PeerName } from "../../bench/peers/protocol.ts";
import { fakePeer } from "./fake_command.ts";

const request = (peer: PeerName) =>
  ({ peer, workload: "matmul", params: {}, seed: 1, minimumSeconds: 0 }) as const;

const nowhere = { ...fakePeer(), cwd: new URL("./no_such_folder/", import.meta.url) };
const python = { PyTorch: fakePeer("PyTorch"), PyWavelets: fakePeer("PyWavelets") };
const all = new Set<PeerName>(["jax-js", "tfjs", "PyTorch", "PyWavelets"]);

Deno.test("startPeerGroup() asks the process that a request is for", async () => {
  await using peers = await startPeerGroup(all, { libraries: fakePeer(), python });
  assert.deepEqual(peers.versions, { "jax-js": "0", tfjs: "0", PyTorch: "1", PyWavelets: "1" });
  assert.deepEqual(peers.absences, []);
  for (const peer of ["tfjs", "PyTorch", "PyWavelets"] as const) {
    const answer = await peers.ask(request(peer));
    assert.ok(answer.ok);
    assert.equal(answer.version, peer === "tfjs" ? "0" : "1");
  }
});

Deno.test("startPeerGroup() starts only the processes that are wanted", async () => {
  const onlyPyTorch = { libraries: nowhere, python: { ...python, PyWavelets: nowhere } };
  await using peers = await startPeerGroup(new Set(["PyTorch"]), onlyPyTorch);
  assert.deepEqual(peers.versions, { PyTorch: "1" });
  assert.deepEqual(peers.absences, []);
});

Deno.test("startPeerGroup() goes on without a peer in Python, and says why in a line", async () => {
  const absent = [
    [nowhere, "there is no python3"],
    [fakePeer("silent"), "chatter before the greeting"],
  ] as const;
  for (const [PyTorch, why] of absent) {
    const commands = { libraries: fakePeer(), python: { ...python, PyTorch } };
    await using peers = await startPeerGroup(all, commands);
    assert.deepEqual(peers.absences, [
      `PyTorch is left out: it needs a python3 that has it: ${why}`,
    ]);
    assert.deepEqual(Object.keys(peers.versions), ["jax-js", "tfjs", "PyWavelets"]);
    assert.ok((await peers.ask(request("tfjs"))).ok);
    assert.deepEqual(await peers.ask(request("PyTorch")), {
      ok: false,
      unsupported: true,
      reason: "PyTorch was not started",
    });
  }
});

Deno.test("startPeerGroup() ends what it has started when the libraries on WebGPU do not start", async () => {
  await assert.rejects(
    startPeerGroup(all, { libraries: fakePeer("silent"), python }),
    /their process must answer: it ended/,
  );
});
