import { type Column, formatColumns, formatMilliseconds, formatRate } from "./columns.ts";
import { type ComparisonRow, peerNames, type PeerSide } from "./peer_bench.ts";
import type { PeerName } from "./peers/protocol.ts";
import { formatReached, formatTarget } from "./target.ts";

const PEER_TITLES: Readonly<Record<PeerName, string>> = {
  "jax-js": "jax-js",
  tfjs: "TF.js",
  PyTorch: "PyTorch",
  PyWavelets: "PyWavelets",
};

/** What those run on that do not run on the adapter. */
const PROCESSOR_NOTES: Readonly<Partial<Record<PeerName, string>>> = {
  PyTorch: " PyTorch: two threads of the processor.",
  PyWavelets: " PyWavelets: one thread of the processor.",
};

const columnsOf = (peers: readonly PeerName[]): readonly Column[] => [
  { title: "workload", align: "left" },
  { title: "ours", align: "right" },
  ...peers.map((name): Column => ({ title: PEER_TITLES[name], align: "right" })),
  { title: "vs jax-js", align: "right" },
  { title: "vs best", align: "right" },
  { title: "reached", align: "right" },
  { title: "results", align: "left" },
  { title: "target", align: "left" },
  { title: "met", align: "left" },
];

function formatSide(side: PeerSide | undefined): string {
  if (side === undefined) return "";
  if ("median" in side) return formatMilliseconds(side.median);
  return side.hung ? "hung" : "-";
}

function formatFactor(factor: number | undefined): string {
  return factor === undefined ? "-" : `${formatRate(factor)}x`;
}

function formatMet({ target, met }: ComparisonRow): string {
  if (target === undefined) return "";
  return met === undefined ? "unknown" : met ? "yes" : "NO";
}

function formatSame({ same, peers }: ComparisonRow): string {
  const differences = peerNames.flatMap((name) => {
    const side = peers[name];
    return side !== undefined && "difference" in side ? [side.difference] : [];
  });
  if (differences.length === 0) return "-";
  return `${same ? "same" : "DIFFER"} ${Math.max(...differences).toExponential(0)}`;
}

/**
 * Writes ours beside the peers for a person.
 *
 * @param rows One a workload.
 * @returns A table, what its words mean, and why a cell is empty.
 */
export function formatComparisons(rows: readonly ComparisonRow[]): string {
  const asked = peerNames.filter((name) => rows.some(({ peers }) => name in peers));
  const cells = rows.map((row) => [
    row.title,
    formatMilliseconds(row.ours.median),
    ...asked.map((name) => formatSide(row.peers[name])),
    formatFactor(row.overJax),
    formatFactor(row.overBetter),
    formatReached(row),
    formatSame(row),
    row.target === undefined ? "" : formatTarget(row.target),
    formatMet(row),
  ]);
  const tolerances = [...new Set(rows.map(({ tolerance }) => tolerance.toExponential(0)))];
  const reasons = rows.flatMap(({ title, peers }) =>
    peerNames.flatMap((name) => {
      const side = peers[name];
      return side !== undefined && "reason" in side ? [`${title}: ${name}: ${side.reason}`] : [];
    })
  );
  const judged = rows.filter(({ met }) => met !== undefined);
  return [
    formatColumns(columnsOf(asked), cells),
    `Results: largest difference of sampled outputs, as a share of their root mean square; ` +
    `allowed ${
      tolerances.join(", ")
    } by workload. Training: the first 10 losses. Convolutions: 3 x 3, batch 32. ` +
    `Forward: our own forward pass of the same shape, measured in turn. ` +
    `Bytes: our side holds the same images as bytes, as training holds MNIST; the peers hold floats. ` +
    `A variant of 8: our side evaluates 8 networks at once; the time is that of one.` +
    asked.map((name) => PROCESSOR_NOTES[name] ?? "").join(""),
    ...reasons,
    `${judged.filter(({ met }) => met).length} of ${judged.length} targets met`,
  ].join("\n");
}
