import type { DownloadProgress } from "../data/mod.ts";

const MIB = 2 ** 20;
/** Least time between two plain lines, in milliseconds. */
const INTERVAL_MS = 3000;

/**
 * Makes what says on standard error how much of a download has come: one line that is written over and
 * over on a terminal, a line every few seconds elsewhere.
 *
 * @param isTerminal Whether standard error is one.
 * @param write Writes text; to standard error if left out.
 * @param now Clock in milliseconds.
 * @returns What `loadDataset` tells.
 */
export function downloadProgress(
  isTerminal: boolean = Deno.stderr.isTerminal(),
  write: (text: string) => void = (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
  now: () => number = () => performance.now(),
): DownloadProgress {
  let last = -Infinity;
  return (name, received, total) => {
    const isDone = received === total;
    if (now() - last < (isTerminal ? 100 : INTERVAL_MS) && !isDone) return;
    last = now();
    const line = `downloading ${name}: ${Math.floor(received / MIB)} of ${
      Math.ceil(total / MIB)
    } MiB, ${Math.floor(100 * received / total)} %`;
    write(isTerminal ? `\r${line}${isDone ? "\n" : ""}` : `${line}\n`);
  };
}
