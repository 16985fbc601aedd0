import { connect, type PeerCommand, type PeerConnection } from "./peer_connection.ts";
import type { Answer, Greeting, PythonName, Request } from "./peers/protocol.ts";

/** The project's own peer process: a package of its own, with its own lock. */
export const peerCommand: PeerCommand = {
  command: Deno.execPath(),
  args: ["run", "--quiet", "--no-prompt", "--frozen", "--allow-env", "main.ts"],
  cwd: new URL("./peers/", import.meta.url),
};

/** A script of the same folder, which Python leaves as it is: -B keeps no compiled modules there. */
const inPython = (script: string): PeerCommand => ({
  command: "python3",
  args: ["-B", script],
  cwd: peerCommand.cwd,
});

/** The processes that measure the peers in Python, by the name of the peer. */
export const pythonCommands: Readonly<Record<PythonName, PeerCommand>> = {
  PyTorch: inPython("pytorch.py"),
  PyWavelets: inPython("pywavelets.py"),
};

/** A peer process; one that was killed is started again when it is asked next. */
export interface PeerProcess extends AsyncDisposable {
  /** What it can measure. */
  readonly greeting: Greeting;
  /**
   * Asks for one measurement and waits for it; the process is killed if it takes too long.
   *
   * @param request What to measure.
   * @returns Its answer, also where that is a refusal or that it hung.
   * @throws {Error} If the process ended or wrote something else than an answer.
   */
  ask(request: Request): Promise<Answer>;
}

/** Makes a signal that is aborted when a number of seconds have passed. */
export type Patience = (seconds: number) => AbortSignal;

/** Time to start, which on a fresh machine fetches the libraries. */
const START_SECONDS = 900;
/** Time to answer, beside the measuring itself: the slowest peer takes a minute a repetition. */
const ANSWER_SECONDS = 300;
/** A measurement lasts ten times as long as it was asked to at most, and its calibration less. */
const MEASURING_FACTOR = 20;

/**
 * Starts a peer process and waits for its greeting.
 *
 * @param command What to start; the project's own process if left out.
 * @param patience When to give up waiting; by the clock if left out.
 * @returns The process; `await using` ends it.
 * @throws {Error} If it ends before it greets, or does not greet.
 */
export async function startPeers(
  command: PeerCommand = peerCommand,
  patience: Patience = (seconds) => AbortSignal.timeout(1000 * seconds),
): Promise<PeerProcess> {
  const start = (): Promise<PeerConnection> => connect(command, patience(START_SECONDS));
  let connection: PeerConnection | undefined = await start();
  return {
    greeting: connection.greeting,
    async ask(request) {
      connection ??= await start();
      const seconds = ANSWER_SECONDS + MEASURING_FACTOR * request.minimumSeconds;
      const signal = patience(seconds);
      try {
        return await connection.ask(request, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        const { peer, workload } = request;
        const reason = `it gave no answer within ${seconds} s and was killed`;
        return { ok: false, unsupported: false, hung: true, reason, peer, workload };
      } finally {
        if (signal.aborted) {
          await connection.stop();
          connection = undefined;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await connection?.stop();
    },
  };
}
