import type { Answer, Greeting, Request } from "./peers/protocol.ts";

/** How to start the process that measures other libraries. */
export interface PeerCommand {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Where it runs. */
  readonly cwd: URL;
}

/** A peer process that has greeted. */
export interface PeerConnection {
  /** What it can measure. */
  readonly greeting: Greeting;
  /** Asks for one measurement; kills the process when the signal is aborted. */
  readonly ask: (request: Request, signal: AbortSignal) => Promise<Answer>;
  /** Lets the process end, and waits until it has. */
  readonly stop: () => Promise<void>;
}

/** Says that a process ended instead of answering. */
export class PeerEndedError extends Error {
  override readonly name: string = "PeerEndedError";
  /** The last line that it printed for people. */
  readonly lastWords: string;

  /** Takes the last line that the process printed. */
  constructor(lastWords: string) {
    super(
      `Cannot measure other libraries: their process must answer: it ended: ${lastWords}`,
    );
    this.lastWords = lastWords;
  }
}

/** Characters kept of what the process prints for people. */
const CHATTER_LIMIT = 4000;

/** Last line that says something; libraries print warnings before it. */
function lastLine(text: string): string {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").at(-1) ??
    "it printed nothing";
}

/**
 * Starts a process and waits for its greeting.
 *
 * What libraries print for people is read and kept out of the way; its last line is part of the
 * error if the process ends too early.
 *
 * @param command What to start.
 * @param signal Kills it when aborted before it has greeted.
 * @returns The process.
 * @throws {PeerEndedError} If it ends before it greets.
 */
export async function connect(command: PeerCommand, signal: AbortSignal): Promise<PeerConnection> {
  const process = new Deno.Command(command.command, {
    args: [...command.args],
    cwd: command.cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let chatter = "";
  const drained = process.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write(text) {
        chatter = (chatter + text).slice(-CHATTER_LIMIT);
      },
    }),
  );
  const input = process.stdin.getWriter();
  const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";

  async function readLine(): Promise<string> {
    while (!buffered.includes("\n")) {
      const { value, done } = await output.read();
      if (done) {
        await drained;
        throw new PeerEndedError(lastLine(chatter));
      }
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return line;
  }

  async function readMessage<Message>(
    key: keyof Message & string,
    signal: AbortSignal,
  ): Promise<Message> {
    const line = await killedAt(signal, process, readLine);
    try {
      const message = JSON.parse(line);
      if (message !== null && typeof message === "object" && key in message) return message;
    } catch {
      // said below
    }
    throw new Error(
      `Cannot measure other libraries: their process must write JSON with "${key}": ` +
        line.slice(0, 200),
    );
  }

  async function stop(): Promise<void> {
    await input.close().catch(() => {}); // it may have ended on its own
    await output.cancel();
    await Promise.all([process.status, drained]);
  }

  try {
    const greeting = await readMessage<Greeting>("ready", signal);
    return {
      greeting,
      async ask(request, signal) {
        // a write to a process that has ended fails with less to say than the read after it
        await input.write(new TextEncoder().encode(JSON.stringify(request) + "\n")).catch(() => {});
        return await readMessage<Answer>("ok", signal);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Does something with a process that is killed if the signal is aborted meanwhile. */
async function killedAt<T>(
  signal: AbortSignal,
  process: Deno.ChildProcess,
  act: () => Promise<T>,
): Promise<T> {
  const kill = (): void => {
    try {
      process.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
  };
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill);
  try {
    return await act();
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
