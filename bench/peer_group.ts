import { PeerEndedError } from "./peer_connection.ts";
import { peerCommand, type PeerProcess, pyWaveletsCommand, startPeers } from "./peer_process.ts";
import type { PeerName } from "./peers/protocol.ts";

/** All peer processes, asked as one. */
export interface PeerGroup extends Pick<PeerProcess, "ask">, AsyncDisposable {
  /** Versions of the peers that are there. */
  readonly versions: Readonly<Partial<Record<PeerName, string>>>;
  /** A line for each peer that this machine does not have. */
  readonly absences: readonly string[];
}

/**
 * Starts the libraries on WebGPU, and PyWavelets where Python has it.
 *
 * @param commands How to start them; the project's own if left out.
 * @returns The processes; `await using` ends them.
 * @throws {Error} If the libraries on WebGPU cannot be started.
 */
export async function startPeerGroup(
  commands = { libraries: peerCommand, pyWavelets: pyWaveletsCommand },
): Promise<PeerGroup> {
  await using started = new AsyncDisposableStack();
  const libraries = started.use(await startPeers(commands.libraries));
  const absences: string[] = [];
  let pyWavelets: PeerProcess | undefined;
  try {
    pyWavelets = started.use(await startPeers(commands.pyWavelets));
  } catch (error) {
    absences.push(`PyWavelets is left out: it needs a python3 that has it: ${whyAbsent(error)}`);
  }
  const processes = started.move();
  return {
    versions: { ...libraries.greeting.peers, ...pyWavelets?.greeting.peers },
    absences,
    ask(request) {
      const process = request.peer === "PyWavelets" ? pyWavelets : libraries;
      if (process !== undefined) return process.ask(request);
      return Promise.resolve({ ok: false, unsupported: true, reason: absences[0] });
    },
    [Symbol.asyncDispose]: () => processes.disposeAsync(),
  };
}

/** Why a program cannot be asked; anything but its absence is thrown on. */
function whyAbsent(error: unknown): string {
  if (error instanceof PeerEndedError) return error.lastWords;
  if (error instanceof Deno.errors.NotFound) return "there is no python3";
  throw error;
}
