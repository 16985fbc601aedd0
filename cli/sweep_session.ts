import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Execute, Run } from "../experiments/mod.ts";
import { deviceExecutor } from "../experiments/execute/execute.ts";
import { openLaboratory } from "../experiments/execute/laboratory.ts";
import { networkShelf } from "../experiments/execute/network_shelf.ts";
import { processExecutor } from "../experiments/execute/worker_pool.ts";
import { type AdapterDescription, type Device, formatAdapterName } from "../gpu/mod.ts";
import { gitCommit } from "./git_commit.ts";

/** Networks trained side by side on a GPU. */
const SEEDS_TOGETHER = 16;

/** Where a sweep finds its data and leaves its results. */
export interface SweepPlace {
  /** Folder or address of a data set that is known by name. */
  readonly data?: string;
  /** Folder of results, networks and the store. */
  readonly out: string;
}

/** On a processor one process a core; on a GPU this process, seeds side by side. */
export function executorFor(device: Device, options: SweepPlace, { commit }: Run): Execute {
  const networks = join(options.out, "networks");
  const maker = `commit ${commit.slice(0, 12)} on ${device.info.name}`;
  if (device.isSoftware) {
    const workers = availableParallelism();
    return processExecutor({ workers, networks, maker, directory: options.data });
  }
  return deviceExecutor(openLaboratory(device, options.data), {
    shelf: networkShelf(networks, maker),
    seedsTogether: SEEDS_TOGETHER,
  });
}

/** Aborts at Ctrl-C and at the end of the terminal; a second Ctrl-C ends at once. */
export function abortOnSignals(): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const abort = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, abort);
  return {
    signal: controller.signal,
    stop: () => signals.forEach((name) => Deno.removeSignalListener(name, abort)),
  };
}

/** Says who measures. */
export function adapterLine({ name, isSoftware }: AdapterDescription): string {
  return `adapter: ${formatAdapterName(name, isSoftware)}`;
}

/** What the store writes down of this start of the command. */
export async function describeRun(device: Device): Promise<Run> {
  return {
    command: ["bitcliff", ...Deno.args].join(" "),
    commit: await gitCommit(),
    adapter: device.info.name,
    software: device.info.isSoftware,
    started: new Date().toISOString(),
  };
}
