import { fileURLToPath } from "node:url";
import type { Execute, Report } from "../executor.ts";
import { networkId, type Trial, trialId } from "../trial.ts";
import { TextLineStream } from "./text_line_stream.ts";

/** How to start workers. */
export interface WorkerPoolOptions {
  /** Processes at most; one a core is right for a software adapter. */
  readonly workers: number;
  /** Folder of trained networks. */
  readonly networks: string;
  /** Who trains: commit and adapter, for the files of trained networks. */
  readonly maker?: string;
  /** Folder or address of a data set that is known by name. */
  readonly directory?: string;
  /** Module that a worker runs; `worker.ts` beside this one if left out. */
  readonly module?: string;
}

/** A line that a worker writes. */
type Message = { readonly idle: true } | {
  readonly id: string;
  readonly outcome: Parameters<Report>[1];
};

function parseMessage(line: string): Message {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`Cannot understand a worker: it must write JSON, a message a line: ${line}`);
  }
}

/** A started worker process. */
interface Worker {
  /** Sends trials and passes reports on until the worker is idle again. */
  measure(trials: readonly Trial[], report: Report): Promise<void>;
  /** Lets the process end, and waits until it has. */
  close(): Promise<void>;
  /** Ends the process at once, whatever it does. */
  kill(): Promise<void>;
}

/** The permissions that a worker needs: what the sweep itself has, less starting processes. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-env", "--allow-ffi", "--allow-sys"];

function startWorker(options: WorkerPoolOptions, signal: AbortSignal): Worker {
  const module = options.module ?? fileURLToPath(new URL("./worker.ts", import.meta.url));
  const directory = options.directory === undefined ? [] : [options.directory];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      ...PERMISSIONS,
      "--allow-net",
      module,
      options.networks,
      options.maker ?? "",
      ...directory,
    ],
    // one thread a process: two processes at full speed beat one with two threads
    env: { LP_NUM_THREADS: "0" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const input = child.stdin.getWriter();
  const lines = child.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream())
    .getReader();
  const complaints = new Response(child.stderr).text();
  const ended = async (): Promise<Error> => {
    const { code } = await child.status;
    const words = (await complaints).split("\n").filter((line) => !/XDG_RUNTIME_DIR/.test(line));
    const said = words.join(" ").trim();
    return new Error(said || `Cannot measure: a worker process ended with code ${code}`);
  };
  return {
    async measure(trials, report) {
      try {
        await input.write(new TextEncoder().encode(JSON.stringify(trials) + "\n"));
      } catch {
        throw await ended();
      }
      while (true) {
        const { value, done } = await lines.read();
        if (done) throw await ended();
        const message = parseMessage(value);
        if ("idle" in message) return;
        report(message.id, message.outcome);
      }
    },
    async close() {
      await input.close().catch(() => {});
      await child.status;
    },
    async kill() {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended by itself
      }
      await child.status;
    },
  };
}

/**
 * Trials by network, in order of first appearance; of one that is not trained, in `workers` parts, dealt
 * out in turn since neighbors take about as long.
 */
function jobsOf(trials: readonly Trial[], workers: number): Trial[][] {
  const jobs = new Map<string, Trial[]>();
  for (const trial of trials) {
    const network = networkId(trial);
    jobs.set(network, [...jobs.get(network) ?? [], trial]);
  }
  return [...jobs.values()].flatMap((job) => {
    if (job[0].pretrained === undefined) return [job];
    const parts = Math.min(workers, job.length);
    return Array.from({ length: parts }, (_, part) => job.filter((_, i) => i % parts === part));
  });
}

/**
 * Makes an executor that spreads networks over processes, one a core.
 *
 * On a software adapter small kernels run on one core anyway; two processes train two seeds in the
 * time of one. Results are those of a single process, bit for bit.
 *
 * @param options How many processes, and where networks are kept.
 * @returns The executor.
 */
export function processExecutor(options: WorkerPoolOptions): Execute {
  return async (trials, report, signal) => {
    const jobs = jobsOf(trials, options.workers);
    const serve = async (): Promise<void> => {
      let worker: Worker | undefined;
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        signal.throwIfAborted();
        const open = new Set(job.map(trialId));
        worker ??= startWorker(options, signal);
        try {
          await worker.measure(job, (id, outcome) => {
            if (outcome.status !== "training") open.delete(id);
            report(id, outcome);
          });
        } catch (error) {
          await worker.kill(); // one that is not understood may still run
          signal.throwIfAborted();
          for (const id of open) report(id, { status: "failed", error: (error as Error).message });
          worker = undefined; // the next job gets a new one
        }
      }
      await worker?.close();
    };
    const workers = Math.min(options.workers, jobs.length);
    await Promise.all(Array.from({ length: workers }, serve));
  };
}
