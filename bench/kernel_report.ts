import {
  type AdapterDescription,
  formatAdapterName,
  type KernelRoom,
  type Numbers,
  type Roofline,
} from "../gpu/mod.ts";
import { kernelRooms } from "../kernels/mod.ts";
import {
  type Column,
  formatColumns,
  formatMilliseconds,
  formatRate,
  formatSpread,
} from "./columns.ts";
import { headComment } from "./head_comment.ts";
import type { KernelGroup } from "./kernel_bench.ts";

const COLUMNS: readonly Column[] = [
  { title: "variant", align: "left" },
  { title: "median", align: "right" },
  { title: "p10-p90", align: "right" },
  { title: "GFLOP/s", align: "right" },
  { title: "GB/s", align: "right" },
  { title: "bound", align: "left" },
  { title: "% roof", align: "right" },
  { title: "vs naive", align: "right" },
];

/**
 * Writes which adapter is measured, and its roof.
 *
 * @param adapter The adapter.
 * @param roofline Its measured roof.
 * @returns One line.
 */
export function formatAdapter(adapter: AdapterDescription, roofline: Roofline): string {
  const { flopsPerSecond, bytesPerSecond } = roofline;
  const compute = flopsPerSecond >= 1e12
    ? `${formatRate(flopsPerSecond / 1e12)} TFLOP/s`
    : `${formatRate(flopsPerSecond / 1e9)} GFLOP/s`;
  return `${formatAdapterName(adapter.name, adapter.isSoftware)}  ` +
    `measured roof ${compute}, ${formatRate(bytesPerSecond / 1e9)} GB/s`;
}

/** Params that say something: strides of 0 and the like are left out. */
function formatParams(params: Numbers): string {
  return Object.entries(params).filter(([, value]) => value !== 0)
    .map(([name, value]) =>
      `${name}=${Number.isInteger(value) ? value : Number(value.toPrecision(6))}`
    ).join(" ");
}

/** Path and head comment of every shader of a group; the path alone where it was shown before. */
function formatShaders(
  { rows }: KernelGroup,
  shown: Set<string>,
  rooms: readonly KernelRoom[],
): string[] {
  return rows.flatMap(({ file, variant }) => {
    const title = `    ${variant}: ${file}`;
    if (shown.has(file)) return [title];
    shown.add(file);
    const source = rooms.find(({ family }) => family.file === file)?.family.source ?? "";
    return [title, ...headComment(source).split("\n").map((line) => `    | ${line}`.trimEnd())];
  });
}

/**
 * Writes the variants of one case for a person.
 *
 * @param group The case.
 * @param shown Files whose head comment has been printed, to print path and head comment of each
 *   shader as well; files are added. Neither is printed if left out.
 * @param rooms Where the shaders' texts are found; all of the project if left out.
 * @returns A title, a row a variant, and what was not timed or checked elsewhere.
 */
export function formatKernelGroup(
  group: KernelGroup,
  shown?: Set<string>,
  rooms: readonly KernelRoom[] = kernelRooms,
): string {
  const cells = group.rows.map((row) => [
    row.variant,
    formatMilliseconds(row.timing.median),
    formatSpread(row.timing.p10, row.timing.p90),
    formatRate(row.gflops),
    formatRate(row.gigabytes),
    row.bound,
    (100 * row.roofShare).toFixed(1),
    row.speedUp === undefined ? "-" : `${formatRate(row.speedUp)}x`,
  ]);
  const isSmaller = group.rows.some(({ checked }) => checked === "a smaller case");
  return [
    `${group.name}.${group.entry}  ${formatParams(group.params)}` +
    (isSmaller ? "  (checked on a smaller case)" : ""),
    formatColumns(COLUMNS, cells, 2),
    ...group.skipped.map(({ variant, seconds }) =>
      `  ${variant}: about ${formatRate(seconds)} s a repetition on this adapter: not timed`
    ),
    ...shown === undefined ? [] : formatShaders(group, shown, rooms),
  ].join("\n");
}
