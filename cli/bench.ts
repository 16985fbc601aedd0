import type { Command } from "@commander-js/extra-typings";
import { bestRoofline } from "../bench/best_roofline.ts";
import { chooseComparisons } from "../bench/choose_comparisons.ts";
import type { Comparison } from "../bench/comparisons.ts";
import { benchEvaluation, type EvaluationRow } from "../bench/evaluation_bench.ts";
import { benchKernels, type KernelGroup } from "../bench/kernel_bench.ts";
import { formatAdapter, formatKernelGroup } from "../bench/kernel_report.ts";
import { formatEvaluation, formatTraining } from "../bench/network_report.ts";
import { compare, type ComparisonRow } from "../bench/peer_bench.ts";
import { type PeerGroup, startPeerGroup } from "../bench/peer_group.ts";
import { formatComparisons } from "../bench/peer_report.ts";
import { workloads } from "../bench/peers/workloads.ts";
import { benchTraining, type TrainingRow } from "../bench/training_bench.ts";
import { checkOutput } from "../experiments/write_file.ts";
import { unknownName, UserError } from "../formats/mod.ts";
import { type AdapterDescription, type Device, openDevice, type Roofline } from "../gpu/mod.ts";
import { kernelRooms } from "../kernels/mod.ts";
import { appendBench } from "./bench_log.ts";
import { positiveNumber, userPath } from "./options.ts";

/** What can be named beside kernels. */
const WHOLES = ["training_step", "evaluation"];

interface BenchOptions {
  readonly show?: boolean;
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly all?: boolean;
  readonly seconds: number;
}

/** Everything that a run measures. */
interface BenchResult {
  readonly adapter: AdapterDescription;
  readonly roofline: Roofline;
  readonly kernels: readonly KernelGroup[];
  readonly training: readonly TrainingRow[];
  readonly evaluation: readonly EvaluationRow[];
}

function checkNames(names: readonly string[]): void {
  const known = [...new Set(kernelRooms.map(({ family }) => family.name)), ...WHOLES];
  for (const name of names) {
    if (!known.includes(name)) throw unknownName("kernel", name, known);
  }
}

async function bench(
  device: Device,
  names: readonly string[],
  { show = false, quick, seconds }: BenchOptions,
  print: (text: string) => void,
): Promise<BenchResult> {
  const wants = (name: string): boolean => names.length === 0 || names.includes(name);
  const roofline = await bestRoofline(device);
  print(formatAdapter(device.info, roofline));
  const shown = show ? new Set<string>() : undefined;
  const kernelNames = names.filter((name) => !WHOLES.includes(name));
  const kernels = names.length > 0 && kernelNames.length === 0 ? [] : await benchKernels(
    device,
    roofline,
    {
      names: kernelNames,
      seconds,
      quick,
      onGroup: (group) => print(`\n${formatKernelGroup(group, shown)}`),
    },
  );
  const training = wants("training_step")
    ? await benchTraining(device, seconds, (rows) => print(`\n${formatTraining(rows)}`))
    : [];
  const evaluation = wants("evaluation") ? await benchEvaluation(device, seconds) : [];
  if (evaluation.length > 0) print(`\n${formatEvaluation(evaluation)}`);
  return { adapter: device.info, roofline, kernels, training, evaluation };
}

/** What a comparison measures. */
interface PeerResult {
  readonly adapter: AdapterDescription;
  readonly roofline: Roofline;
  readonly peers: PeerGroup["versions"];
  readonly comparisons: readonly ComparisonRow[];
}

async function benchPeers(
  device: Device,
  comparisons: readonly Comparison[],
  { seconds, all }: BenchOptions,
  print: (text: string) => void,
): Promise<PeerResult> {
  const roofline = await bestRoofline(device);
  print(formatAdapter(device.info, roofline));
  const wanted = new Set(comparisons.flatMap(({ workload }) => workloads[workload].peers));
  await using peers = await startPeerGroup(wanted);
  const { versions, absences } = peers;
  for (const line of absences) console.error(line);
  const present = comparisons.filter(({ workload }) =>
    workloads[workload].peers.some((name) => name in versions)
  );
  if (present.length === 0) {
    throw new UserError(
      `Cannot compare ${[...wanted].join(", ")} with ours: one of them must be there: none is`,
    );
  }
  print(
    "Beside " + Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ") +
      ": medians of rounds in turn, same inputs",
  );
  const rows: ComparisonRow[] = [];
  for (const comparison of present) {
    const row = await compare(device, peers, comparison, seconds, all);
    if (Deno.stderr.isTerminal()) console.error(`measured ${row.title}`);
    rows.push(row);
  }
  print(`\n${formatComparisons(rows)}`);
  if (!rows.every(({ same }) => same)) Deno.exitCode = 1;
  return { adapter: device.info, roofline, peers: versions, comparisons: rows };
}

/** Long enough for the peers to show their steady state. */
const PEER_SECONDS = 0.5;
/** Long enough for three samples. */
const ROW_SECONDS = 0.2;

const secondsOf = positiveNumber("a time of");

/** `bench`: every kernel against the adapter's roof, training steps, evaluation. */
export function addBench(program: Command): void {
  program.command("bench")
    .description("measure kernels against the adapter's roof, training steps and evaluation")
    .argument(
      "[name...]",
      "kernels, training_step, evaluation; with --peers workloads or parts of their titles; " +
        "all if left out",
    )
    .option("--show", "print path and head comment of each shader beside its rows")
    .option(
      "--peers",
      "measure jax-js, TensorFlow.js, PyTorch and PyWavelets beside ours instead, results compared",
    )
    .option("--all", "with --peers: measure also what takes a peer a minute")
    .option("--quick", "measure only the first case of each kernel's entries")
    .option("--json", "print the rows as one JSON object, and append them to bench.jsonl in --out")
    .option("--out <folder>", "where --json keeps what it measured", userPath, userPath("runs"))
    .option("--seconds <s>", "least time for each row, or each side and round", secondsOf)
    .action(async (names, options) => {
      const comparisons = options.peers ? chooseComparisons(names) : undefined;
      if (comparisons === undefined) checkNames(names);
      const seconds = options.seconds ?? (options.peers ? PEER_SECONDS : ROW_SECONDS);
      if (options.json) checkOutput(options.out);
      using device = await openDevice();
      const started = new Date();
      const print = options.json ? () => {} : (text: string) => console.log(text);
      const result = comparisons !== undefined
        ? await benchPeers(device, comparisons, { ...options, seconds }, print)
        : await bench(device, names, { ...options, seconds }, print);
      if (!options.json) return;
      console.log(JSON.stringify(result, null, 2));
      console.error(`appended to ${await appendBench(options.out, started, result)}`);
    });
}
