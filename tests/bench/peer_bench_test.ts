import assert from "node:assert/strict";
import { type Comparison, comparisons } from "../../bench/comparisons.ts";
import { compare, type ComparisonRow } from "../../bench/peer_bench.ts";
import { formatComparisons } from "../../bench/peer_report.ts";
import type { PeerGroup } from "../../bench/peer_group.ts";
import { type Answer, type Request, sampleOutput } from "../../bench/peers/protocol.ts";
import { workloads } from "../../bench/peers/workloads.ts";
import { largestDifference } from "../../bench/sameness.ts";
import { testDevice } from "../support/device.ts";

type Peers = Pick<PeerGroup, "ask" | "versions">;

/** Peers without a process: `values` is what each computes; none where it lacks the operation. */
function peersOf(values: Readonly<Record<string, number[] | undefined>>): Peers {
  return {
    versions: Object.fromEntries(Object.keys(values).map((name) => [name, "0"])),
    ask({ peer, workload, params, seed, minimumSeconds }: Request): Promise<Answer> {
      const y = values[peer];
      if (y === undefined) {
        return Promise.resolve({ ok: false, unsupported: true, reason: "it has none" });
      }
      const median = minimumSeconds === 0 ? null : peer === "tfjs" ? 4e5 : 3e5;
      return Promise.resolve({
        ok: true,
        peer,
        version: "0",
        workload,
        params,
        seed,
        adapter: "fake",
        median_ms: median,
        p10: median,
        p90: median,
        repetitions: 1,
        outputs: { y: sampleOutput(y) },
      });
    },
  };
}

async function comparedWith(
  peers: Peers,
  other: Partial<Comparison> = {},
): Promise<ComparisonRow> {
  return await compare(await testDevice(), peers, {
    title: "doubling",
    workload: "matmul",
    params: { m: 1, n: 1, k: 1 },
    prepare: () => ({ repeat() {}, outputs: () => Promise.resolve({ y: [2, 4] }) }),
    tolerance: 1e-3,
    target: { overJax: 2, overBetter: 3 },
    ...other,
  }, 0.001);
}

Deno.test("compare() finds the ratios, and that the results are the same", async () => {
  const row = await comparedWith(peersOf({ "jax-js": [2, 4.0001], tfjs: [2, 4] }));
  assert.equal(row.same, true);
  assert.equal(row.met, true);
  assert.equal(row.overJax, 3e5 / row.ours.median);
  assert.equal(row.overBetter, row.overJax);
  assert.match(formatComparisons([row]), /\n1 of 1 targets met$/);
});

Deno.test("compare() gives the time of one where ours does several at once", async () => {
  const peers = peersOf({ "jax-js": [2, 4], tfjs: [2, 4] });
  const outputs = () => Promise.resolve({ y: [2, 4] });
  const prepare = () => ({ repeat() {}, outputs, variants: 1e12 });
  // doing nothing takes far less than 10 s, and far more than 1e-8 ms
  const { ours: { median } } = await comparedWith(peers, { prepare });
  assert.ok(median < 1e-8, `${median} ms`);
});

Deno.test("compare() tells results that differ", async () => {
  const row = await comparedWith(peersOf({ "jax-js": [2, 4], tfjs: [2, 4.1] }));
  assert.equal(row.same, false);
  assert.match(formatComparisons([row]), / DIFFER [0-9]e-2 /);
});

Deno.test("compare() goes on without a peer that lacks the operation, and says why", async () => {
  const row = await comparedWith(peersOf({ "jax-js": undefined, tfjs: [2, 4] }));
  assert.equal(row.overJax, undefined);
  assert.equal(row.met, undefined);
  assert.equal(row.overBetter, 4e5 / row.ours.median);
  assert.match(formatComparisons([row]), /\ndoubling: jax-js: it has none\n0 of 0 targets met$/);
});

Deno.test("compare() writes into the cell of a peer that hung, and asks it no more", async () => {
  const peers = peersOf({ "jax-js": [2, 4], tfjs: [2, 4] });
  const asked: string[] = [];
  const row = await comparedWith({
    ...peers,
    ask(request) {
      asked.push(request.peer);
      if (request.peer === "tfjs") return peers.ask(request);
      return Promise.resolve({
        ok: false,
        unsupported: false,
        hung: true,
        reason: "it was killed",
      });
    },
  });
  assert.equal(asked.filter((peer) => peer === "jax-js").length, 1);
  const report = formatComparisons([row]);
  assert.match(report, /^doubling +\S+ \S+ +hung +400.0 s /m);
  assert.match(report, /\ndoubling: jax-js: it was killed\n/);
});

Deno.test("compare() asks a slow peer only when all is asked for", async () => {
  const [comparison] = comparisons.filter(({ slow }) => slow?.includes("tfjs"));
  const quick = {
    ...comparison,
    forward: undefined,
    params: { batch: 1, inputChannels: 1, outputChannels: 1, size: 4 },
  };
  const peers = peersOf({ "jax-js": [1], tfjs: [1] });
  const device = await testDevice();
  const { tfjs } = (await compare(device, peers, quick, 0.001)).peers;
  assert.deepEqual(tfjs, { reason: "it takes a minute: --all measures it" });
  const { peers: { tfjs: asked } } = await compare(device, peers, quick, 0.001, true);
  assert.ok(asked !== undefined && "median" in asked);
});

Deno.test("compare() asks PyWavelets alone for wavelets; other rows leave its cell empty", async () => {
  const peers = peersOf({ PyWavelets: [2, 4] });
  const wavelet = await comparedWith(peers, { workload: "haar_2d", target: { overPyWavelets: 2 } });
  assert.deepEqual(Object.keys(wavelet.peers), ["PyWavelets"]);
  assert.equal(wavelet.overPyWavelets, 3e5 / wavelet.ours.median);
  assert.equal(wavelet.overJax, undefined);
  assert.equal(wavelet.met, true);
  assert.match(formatComparisons([wavelet]), /^workload +ours +PyWavelets +vs jax-js +vs best /);
  const matmul = await comparedWith(peersOf({ "jax-js": [2, 4], tfjs: [2, 4] }));
  assert.match(
    formatComparisons([matmul, wavelet]),
    /^workload +ours +jax-js +TF\.js +PyWavelets /,
  );
  assert.doesNotMatch(formatComparisons([matmul]), /PyWavelets/);
});

Deno.test("compare() measures a peer that is there beside others that are not, and asks no others", async () => {
  const y = { "jax-js": [2, 4], tfjs: [2, 4], PyTorch: [2, 4] };
  const other = {
    workload: "cnn_step",
    params: { batch: 1, steps: 1 },
    target: { overPyTorch: 1 },
  };
  const all = await comparedWith(peersOf(y), other);
  assert.deepEqual(Object.keys(all.peers), ["jax-js", "tfjs", "PyTorch"]);
  assert.equal(all.overPyTorch, 3e5 / all.ours.median);
  assert.equal(all.met, true);
  assert.match(formatComparisons([all]), /^workload +ours +jax-js +TF\.js +PyTorch +vs jax-js /);
  const { PyTorch: _, ...libraries } = y;
  const without = await comparedWith(peersOf(libraries), other);
  assert.deepEqual(Object.keys(without.peers), ["jax-js", "tfjs"]);
  assert.equal(without.met, undefined);
  assert.match(formatComparisons([without]), /^workload +ours +jax-js +TF\.js +vs jax-js /);
});

Deno.test("compare() measures a gradient beside the forward pass of its shape", async () => {
  const outputs = () => Promise.resolve({ y: [2, 4] });
  const of = (variants: number) => () => ({ repeat() {}, outputs, variants });
  const gradient = { prepare: of(1), forward: of(1e-6), target: { timesForward: 1.4 } };
  const fast = await comparedWith(peersOf({}), gradient);
  assert.ok(fast.timesForward! < 1, `${fast.timesForward}`);
  assert.equal(fast.met, true);
  assert.match(formatComparisons([fast]), / 0\.00x forward +- +1\.4x forward +yes$/m);
  const slow = await comparedWith(peersOf({}), { ...gradient, forward: of(1e6) });
  assert.ok(slow.timesForward! > 1.4, `${slow.timesForward}`);
  assert.equal(slow.met, false);
});

Deno.test("largestDifference() sees elements, sums of squares, lengths, names and NaN", () => {
  const of = (...y: number[]) => ({ y: sampleOutput(y) });
  assert.equal(largestDifference(of(1, -1), of(1, -1)), 0);
  assert.ok(Math.abs(largestDifference(of(1, -1), of(1, -1.01)) - 0.01005) < 1e-4);
  assert.equal(largestDifference(of(1), of(1, 1)), Infinity);
  assert.equal(largestDifference(of(1), { z: sampleOutput([1]) }), Infinity);
  assert.equal(largestDifference(of(1, 2), of(1, NaN)), Infinity);
  const long = Array.from({ length: 100 }, () => 1);
  const unseen = long.with(99, 3); // not among the 32 samples
  assert.ok(largestDifference(of(...long), of(...unseen)) > 0.05);
});

Deno.test("every comparison names a workload that the peers have, with numbers that it takes", () => {
  for (const { title, workload, params } of comparisons) {
    assert.ok(Object.hasOwn(workloads, workload), title);
    for (const name of Object.keys(params)) {
      assert.ok(Object.hasOwn(workloads[workload].defaults, name), `${title}: ${name}`);
    }
  }
});
