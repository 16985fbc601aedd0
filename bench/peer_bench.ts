import { type Device, measureRoofline, timeBatches } from "../gpu/mod.ts";
import { quantile } from "./alternate.ts";
import type { Comparison } from "./comparisons.ts";
import type { OurWork } from "./our_side.ts";
import type { PeerGroup } from "./peer_group.ts";
import { type PeerName, peerVersions, type SampledOutput, sampleOutput } from "./peers/protocol.ts";
import { workloads } from "./peers/workloads.ts";
import { largestDifference } from "./sameness.ts";
import { isMet, type Reached, type Target } from "./target.ts";

/** Seed of all inputs. */
const SEED = 1;
/** How often each side is measured in turn. */
const ROUNDS = 3;

/** All that ours is measured beside, in the order of the table. */
export const peerNames: readonly PeerName[] = [
  ...Object.keys(peerVersions) as (keyof typeof peerVersions)[],
  "PyTorch",
  "PyWavelets",
];

/** One side of a comparison. */
export interface Side {
  /** Median over rounds of the median of each, in milliseconds. */
  readonly median: number;
  /** The fastest round. */
  readonly fastest: number;
  /** The slowest round. */
  readonly slowest: number;
}

/** A peer's side; `reason` says why there is none, `hung` that it was killed. */
export type PeerSide =
  | (Side & { readonly difference: number; readonly adapter: string })
  | { readonly reason: string; readonly hung?: true };

/** One workload on all sides. */
export interface ComparisonRow extends Reached {
  /** For a person. */
  readonly title: string;
  /** Name in `peers/workloads.ts`. */
  readonly workload: string;
  /** Its numbers. */
  readonly params: Readonly<Record<string, number>>;
  /** Our time; a variant where ours does several at once. */
  readonly ours: Side;
  /** Theirs, by name; of those that are there and can compute it. */
  readonly peers: Readonly<Partial<Record<PeerName, PeerSide>>>;
  /** Allowed difference, as a share of the root mean square of an output. */
  readonly tolerance: number;
  /** True if every peer that was measured computed the same. */
  readonly same: boolean;
  /** What is to be reached. */
  readonly target: Target | undefined;
  /** Whether it was; undefined if there is no target or it could not be told. */
  readonly met: boolean | undefined;
}

function side(medians: readonly number[]): Side {
  return {
    median: quantile(medians, 0.5),
    fastest: Math.min(...medians),
    slowest: Math.max(...medians),
  };
}

async function sampledOutputs(work: OurWork): Promise<Record<string, SampledOutput>> {
  return Object.fromEntries(
    Object.entries(await work.outputs()).map(([name, data]) => [name, sampleOutput(data)]),
  );
}

/** What one peer has given so far. */
interface Asked {
  readonly medians: number[];
  difference: number;
  adapter: string;
  reason: string | undefined;
  hung: true | undefined;
}

/**
 * Measures ours and the peers in turn, after their results were compared.
 *
 * @param device Where ours runs; the peers open the same adapter.
 * @param peers The peers; those that are not there are not asked.
 * @param comparison The workload.
 * @param seconds How long to measure each side in each round at least.
 * @param all Whether to ask peers that take minutes, too.
 * @returns Medians, ratios, whether the results are the same and whether the target is met.
 */
export async function compare(
  device: Device,
  peers: Pick<PeerGroup, "ask" | "versions">,
  comparison: Comparison,
  seconds: number,
  all: boolean = false,
): Promise<ComparisonRow> {
  const { title, workload, params, tolerance, flops, bytes, target } = comparison;
  using _scope = device.scope();
  const inputs = workloads[workload].inputs(params, SEED);
  const work = comparison.prepare(device, params, inputs);
  const forward = comparison.forward?.(device, params, inputs);
  const outputs = await sampledOutputs(work);
  const asked = new Map<PeerName, Asked>();
  const ask = async (peer: PeerName, minimumSeconds: number): Promise<void> => {
    const state = asked.get(peer)!;
    if (state.reason !== undefined) return;
    const answer = await peers.ask({ peer, workload, params, seed: SEED, minimumSeconds });
    if (!answer.ok) {
      state.reason = answer.reason;
      state.hung = answer.hung;
      return;
    }
    state.adapter = answer.adapter;
    state.difference = largestDifference(outputs, answer.outputs);
    if (answer.median_ms !== null) state.medians.push(answer.median_ms);
  };
  const names = workloads[workload].peers.filter((name) => name in peers.versions);
  for (const peer of names) {
    const reason = !all && comparison.slow?.includes(peer)
      ? "it takes a minute: --all measures it"
      : undefined;
    asked.set(peer, { medians: [], difference: Infinity, adapter: "", reason, hung: undefined });
    await ask(peer, 0);
  }
  const time = async ({ repeat, variants = 1 }: OurWork): Promise<number> =>
    (await timeBatches(device, seconds, repeat)).median / variants;
  const ours: number[] = [];
  const forwards: number[] = [];
  const copyRates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await time(work));
    // beside the forward pass and the roof of the same moment, like the peers
    if (forward !== undefined) forwards.push(await time(forward));
    if (bytes !== undefined) copyRates.push((await measureRoofline(device)).bytesPerSecond);
    for (const peer of names) await ask(peer, seconds);
  }
  const measured = Object.fromEntries(
    [...asked].map(([peer, { medians, difference, adapter, reason, hung }]): [
      PeerName,
      PeerSide,
    ] => [
      peer,
      reason === undefined
        ? { ...side(medians), difference, adapter }
        : { reason, ...(hung && { hung }) },
    ]),
  ) as Partial<Record<PeerName, PeerSide>>;
  const medians = Object.values(measured).flatMap((one) => "median" in one ? [one] : []);
  const our = side(ours);
  const over = (peer: PeerName): number | undefined => {
    const theirs = measured[peer];
    return theirs !== undefined && "median" in theirs ? theirs.median / our.median : undefined;
  };
  const reached: Reached = {
    gflops: flops && flops / our.median / 1e6,
    copyShare: bytes && bytes / our.median * 1000 / quantile(copyRates, 0.5),
    overJax: over("jax-js"),
    overPyTorch: over("PyTorch"),
    overPyWavelets: over("PyWavelets"),
    timesForward: forward && our.median / quantile(forwards, 0.5),
    overBetter: medians.length > 0
      ? Math.min(...medians.map(({ median }) => median)) / our.median
      : undefined,
  };
  return {
    title,
    workload,
    params,
    ours: our,
    ...reached,
    peers: measured,
    tolerance,
    same: medians.every(({ difference }) => difference <= tolerance),
    target,
    met: target && isMet(target, reached, device.isSoftware),
  };
}
