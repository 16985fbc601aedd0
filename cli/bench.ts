import type { Command } from "@commander-js/extra-typings";
import { benchEvaluation, type EvaluationRow } from "../bench/evaluation_bench.ts";
import { benchKernels, type KernelGroup } from "../bench/kernel_bench.ts";
import { formatAdapter, formatKernelGroup } from "../bench/kernel_report.ts";
import { formatEvaluation, formatTraining } from "../bench/network_report.ts";
import { benchTraining, type TrainingRow } from "../bench/training_bench.ts";
import { unknownName } from "../formats/mod.ts";
import {
  type AdapterDescription,
  type Device,
  measureRoofline,
  openDevice,
  type Roofline,
} from "../gpu/mod.ts";
import { kernelRooms } from "../kernels/mod.ts";
import { positiveNumber } from "./options.ts";

/** What can be named beside kernels. */
const WHOLES = ["training_step", "evaluation"];

interface BenchOptions {
  readonly show?: boolean;
  readonly json?: boolean;
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
  { show = false, seconds }: BenchOptions,
  print: (text: string) => void,
): Promise<BenchResult> {
  const wants = (name: string): boolean => names.length === 0 || names.includes(name);
  const roofline = await measureRoofline(device);
  print(formatAdapter(device.info, roofline));
  const kernelNames = names.filter((name) => !WHOLES.includes(name));
  const kernels = names.length > 0 && kernelNames.length === 0 ? [] : await benchKernels(
    device,
    roofline,
    {
      names: kernelNames,
      seconds,
      onGroup: (group) => print(`\n${formatKernelGroup(group, show)}`),
    },
  );
  const training = wants("training_step")
    ? await benchTraining(device, seconds, (rows) => print(`\n${formatTraining(rows)}`))
    : [];
  const evaluation = wants("evaluation") ? await benchEvaluation(device, seconds) : [];
  if (evaluation.length > 0) print(`\n${formatEvaluation(evaluation)}`);
  return { adapter: device.info, roofline, kernels, training, evaluation };
}

/** `bench`: every kernel against the adapter's roof, training steps, evaluation. */
export function addBench(program: Command): void {
  program.command("bench")
    .description("measure kernels against the adapter's roof, training steps and evaluation")
    .argument("[kernel...]", "names of kernels, training_step, evaluation; all if left out")
    .option("--show", "print path and head comment of each shader beside its rows")
    .option("--json", "print the rows as one JSON object")
    .option("--seconds <s>", "least time for each row", positiveNumber("a time of"), 0.2)
    .action(async (names, options) => {
      checkNames(names);
      using device = await openDevice();
      const print = options.json ? () => {} : (text: string) => console.log(text);
      const result = await bench(device, names, options, print);
      if (options.json) console.log(JSON.stringify(result, null, 2));
    });
}
