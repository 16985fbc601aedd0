import assert from "node:assert/strict";
import { streamKey, uniformAt } from "../../kernels/random_source.ts";
import { converse } from "./converse.ts";
import { permute } from "./permute.ts";
import { type Measurement, parseRequest, peerVersions } from "./protocol.ts";
import { drawLabels, drawSigned, drawUnit } from "./random.ts";
import { assertClose, assertRight, references, small } from "./references.ts";
import { workloadsOf } from "./workloads.ts";

Deno.test("drawUnit() draws the numbers of kernels/random_source.ts", () => {
  const key = streamKey(7, 3);
  const expected = Array.from({ length: 100 }, (_, i) => uniformAt(key, i));
  assert.deepEqual(Array.from(drawUnit(7, 3, 100)), expected);
  assert.deepEqual(Array.from(drawSigned(7, 3, 100)), expected.map((u) => 2 * u - 1));
  assert.deepEqual(
    Array.from(drawLabels(7, 3, 100, 10)),
    expected.map((u) => Math.floor(10 * u)),
  );
});

Deno.test("permute() is undone by the inverse order", () => {
  const data = drawUnit(1, 0, 2 * 3 * 4 * 5);
  const there = permute(data, [2, 3, 4, 5], [0, 2, 3, 1]);
  assert.equal(there[1], data[20]);
  assert.deepEqual(permute(there, [2, 4, 5, 3], [0, 3, 1, 2]), data);
});

Deno.test("parseRequest() names what it does not know", () => {
  assert.throws(() => parseRequest("null"), /must be a JSON object: null$/);
  assert.throws(() => parseRequest('{"peer":"numpy","workload":"matmul"}'), /numpy$/);
  assert.throws(() => parseRequest('{"peer":"tfjs","workload":"sort"}'), /sort$/);
  assert.throws(
    () => parseRequest('{"peer":"tfjs","workload":"matmul","params":{"q":1}}'),
    /params must be of m, n, k: q$/,
  );
  const { params } = parseRequest('{"peer":"tfjs","workload":"matmul","params":{"m":3}}');
  assert.deepEqual(params, { m: 3, n: 256, k: 256 });
});

Deno.test("main.ts answers every workload of every peer with the right numbers", async () => {
  const peers = Object.keys(peerVersions);
  const requests = workloadsOf("jax-js").flatMap((workload) =>
    peers.map((peer) => ({ peer, workload, params: small[workload], seed: 5, minimumSeconds: 0 }))
  );
  const [greeting, ...answers] = await converse(requests.map((one) => JSON.stringify(one)));
  assert.deepEqual(greeting.peers, peerVersions);
  assert.equal(answers.length, requests.length);
  const losses = new Map<string, readonly number[]>();
  answers.forEach((answer, i) => {
    const { workload, peer, seed } = requests[i];
    assert.ok(answer.ok, JSON.stringify(answer));
    if (workload in references) assertRight(answer, workload, seed);
    else losses.set(`${workload} ${peer}`, answer.outputs.losses.values);
  });
  for (const workload of ["fc_nn_step", "cnn_step"]) {
    const [jax, tfjs] = peers.map((peer) => losses.get(`${workload} ${peer}`)!);
    assert.ok(jax[2] < jax[0], `${workload} learns: ${jax}`);
    jax.forEach((loss, i) => assertClose(tfjs[i], loss, `${workload} loss ${i}`));
  }
});

Deno.test("main.ts times the same workload twice without preparing it again, and outlives errors", async () => {
  const request = JSON.stringify({
    peer: "jax-js",
    workload: "matmul",
    params: { m: 64, n: 64, k: 64 },
    minimumSeconds: 0.1,
  });
  const [, first, failure, second] = await converse([request, "no JSON", request]);
  assert.ok(!failure.ok && !failure.unsupported);
  for (const answer of [first, second]) {
    assert.ok(answer.ok);
    const { median_ms, p10, p90, repetitions } = answer as Measurement;
    assert.ok(p10! > 0 && p10! <= median_ms! && median_ms! <= p90! && repetitions > 1);
  }
  assert.deepEqual((first as Measurement).outputs, (second as Measurement).outputs);
});
