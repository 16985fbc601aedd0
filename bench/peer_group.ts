import { type PeerCommand, PeerEndedError } from "./peer_connection.ts";
import { peerCommand, type PeerProcess, pythonCommands, startPeers } from "./peer_process.ts";
import { type PeerName, peerVersions, type PythonName } from "./peers/protocol.ts";

/** All peer processes, asked as one. */
export interface PeerGroup extends Pick<PeerProcess, "ask">, AsyncDisposable {
  /** Versions of the peers that are there. */
  readonly versions: Readonly<Partial<Record<PeerName, string>>>;
  /** A line for each peer that was wanted and that this machine does not have. */
  readonly absences: readonly string[];
}

/** How to start the processes of a group. */
export interface PeerCommands {
  /** The libraries on WebGPU. */
  readonly libraries: PeerCommand;
  /** Those in Python. */
  readonly python: Readonly<Record<PythonName, PeerCommand>>;
}

/**
 * Starts the processes of the peers that are wanted; those in Python where Python has them.
 *
 * @param wanted Names of peers.
 * @param commands How to start them; the project's own if left out.
 * @returns The processes; `await using` ends them.
 * @throws {Error} If the libraries on WebGPU are wanted and cannot be started.
 */
export async function startPeerGroup(
  wanted: ReadonlySet<PeerName>,
  commands: PeerCommands = { libraries: peerCommand, python: pythonCommands },
): Promise<PeerGroup> {
  await using started = new AsyncDisposableStack();
  const versions: Partial<Record<PeerName, string>> = {};
  const absences: string[] = [];
  const processes = new Map<string, PeerProcess>();
  const start = async (command: PeerCommand): Promise<void> => {
    const process = started.use(await startPeers(command));
    for (const name of Object.keys(process.greeting.peers)) processes.set(name, process);
    Object.assign(versions, process.greeting.peers);
  };
  if (Object.keys(peerVersions).some((name) => wanted.has(name as PeerName))) {
    await start(commands.libraries);
  }
  for (const name of Object.keys(commands.python) as PythonName[]) {
    if (!wanted.has(name)) continue;
    try {
      await start(commands.python[name]);
    } catch (error) {
      absences.push(`${name} is left out: it needs a python3 that has it: ${whyAbsent(error)}`);
    }
  }
  const running = started.move();
  return {
    versions,
    absences,
    ask(request) {
      const process = processes.get(request.peer);
      if (process !== undefined) return process.ask(request);
      const reason = `${request.peer} was not started`;
      return Promise.resolve({ ok: false, unsupported: true, reason });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Why a program cannot be asked; anything but its absence is thrown on. */
function whyAbsent(error: unknown): string {
  if (error instanceof PeerEndedError) return error.lastWords;
  if (error instanceof Deno.errors.NotFound) return "there is no python3";
  throw error;
}
