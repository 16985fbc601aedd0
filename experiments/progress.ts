import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import type { RunnerEvent } from "./runner.ts";

/** Shows how far long work is. */
export interface Progress extends Disposable {
  /** Shows a new state. */
  update(event: Extract<RunnerEvent, { kind: "progress" }>): void;
  /** Prints a line without tearing the bar. */
  line(text: string): void;
}

/** Where progress goes. */
export interface ProgressOptions {
  /** In front of the bar or line, such as the name of an experiment. */
  readonly label: string;
  /** True to draw a bar that moves; plain lines otherwise. */
  readonly isTerminal: boolean;
  /** What is counted; trials if left out. */
  readonly unit?: string;
  /** Where to write; standard error if left out, so that standard output stays for results. */
  readonly stream?: NodeJS.WritableStream;
  /** Least time between two plain lines, in milliseconds. */
  readonly interval?: number;
  /** Clock in milliseconds. */
  readonly now?: () => number;
}

/**
 * Writes a duration for a person.
 *
 * @param seconds The duration; `undefined` if it is not known.
 * @returns Such as `42 s`, `3 min 05 s` or `?`.
 */
export function showDuration(seconds: number | undefined): string {
  if (seconds === undefined) return "?";
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/**
 * Opens a display of progress: a bar with the time that is left on a terminal, plain lines at most
 * every few seconds elsewhere.
 *
 * @param options What to call the work and where to show it.
 * @returns The display; dispose of it when the work has ended.
 */
export function openProgress(options: ProgressOptions): Progress {
  return options.isTerminal ? openBar(options) : openLines(options);
}

function openBar({ label, unit = "trials", stream = process.stderr }: ProgressOptions): Progress {
  const bar = new SingleBar({
    format: `${label} {bar} {value}/{total} ${unit}, {left} left{note}`,
    stream,
    // nothing is set on the terminal that an interruption would leave behind
    hideCursor: false,
    linewrap: true,
    gracefulExit: false,
    clearOnComplete: true,
    barsize: 24,
  }, Presets.shades_classic);
  let started = false;
  return {
    update({ done, total, etaSeconds, note }) {
      const payload = { left: showDuration(etaSeconds), note: note ? `: ${note}` : "" };
      if (started) bar.update(done, payload);
      else bar.start(total, done, payload);
      started = true;
    },
    line(text) {
      // Back to the start of the line and over the bar, which is drawn again below.
      stream.write(`\r\x1b[K${text}\n`);
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

function openLines(
  {
    label,
    unit = "trials",
    stream = process.stderr,
    interval = 3000,
    now = () => performance.now(),
  }: ProgressOptions,
): Progress {
  let last = -Infinity;
  return {
    update({ done, total, skipped, etaSeconds, note }) {
      if (now() - last < interval && done < total) return;
      last = now();
      const earlier = skipped > 0 ? ` (${skipped} from earlier runs)` : "";
      const left = done < total && etaSeconds !== undefined
        ? `, ${showDuration(etaSeconds)} left`
        : "";
      stream.write(
        `${label}: ${done}/${total} ${unit}${earlier}${left}${note ? `: ${note}` : ""}\n`,
      );
    },
    line(text) {
      stream.write(`${text}\n`);
    },
    [Symbol.dispose]: () => {},
  };
}
