import assert from "node:assert/strict";
import { startPeers } from "../../bench/peer_process.ts";
import { fakePeer } from "./fake_command.ts";

const request = (workload: string) =>
  ({ peer: "jax-js", workload, params: {}, seed: 1, minimumSeconds: 0 }) as const;

Deno.test("startPeers() greets, answers in order, and ends with its scope", async () => {
  await using peers = await startPeers(fakePeer());
  assert.equal(peers.greeting.ready, true);
  for (const workload of ["matmul", "conv2d", "matmul"]) {
    const answer = await peers.ask(request(workload));
    assert.ok(answer.ok);
    assert.equal(answer.workload, workload);
  }
  const refusal = await peers.ask(request("missing"));
  assert.deepEqual([refusal.ok, "reason" in refusal && refusal.reason], [
    false,
    "no such operation",
  ]);
});

Deno.test("PeerProcess.ask() says the last words of a process that ends", async () => {
  await using peers = await startPeers(fakePeer());
  await assert.rejects(peers.ask(request("crash")), {
    message: "Cannot measure other libraries: their process must answer: it ended: it broke",
  });
});

Deno.test("PeerProcess.ask() kills a process that hangs, says so, and starts it again", async () => {
  const waits: { seconds: number; over: AbortController }[] = [];
  await using peers = await startPeers(fakePeer(), (seconds) => {
    const over = new AbortController();
    waits.push({ seconds, over });
    return over.signal;
  });
  assert.ok((await peers.ask(request("matmul"))).ok);
  const hanging = peers.ask({ ...request("hang"), minimumSeconds: 2 });
  waits[2].over.abort();
  const { seconds } = waits[2];
  assert.ok(seconds > 100, `${seconds}`);
  assert.deepEqual(await hanging, {
    ok: false,
    unsupported: false,
    hung: true,
    reason: `it gave no answer within ${seconds} s and was killed`,
    peer: "jax-js",
    workload: "hang",
  });
  assert.ok((await peers.ask(request("conv2d"))).ok);
});

Deno.test("startPeers() says why there is no greeting", async () => {
  await assert.rejects(startPeers(fakePeer("silent")), {
    message: "Cannot measure other libraries: their process must answer: it ended: " +
      "chatter before the greeting",
  });
  await assert.rejects(startPeers(fakePeer("garbled")), {
    message: 'Cannot measure other libraries: their process must write JSON with "ready": not JSON',
  });
});
