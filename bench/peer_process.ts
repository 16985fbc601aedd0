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

/** The project's own peer process: a package of its own, with its own lock. */
export const peerCommand: PeerCommand = {
  command: Deno.execPath(),
  args: ["run", "--quiet", "--no-prompt", "--frozen", "--allow-env", "main.ts"],
  cwd: new URL("./peers/", import.meta.url),
};

/** A running peer process. */
export interface PeerProcess extends AsyncDisposable {
  /** What it can measure. */
  readonly greeting: Greeting;
  /**
   * Asks for one measurement and waits for it.
   *
   * @param request What to measure.
   * @returns Its answer, also where that is a refusal.
   * @throws {Error} If the process ended or wrote something else than an answer.
   */
  ask(request: Request): Promise<Answer>;
}

/** Characters kept of what the process prints for people. */
const CHATTER_LIMIT = 4000;

/** Last line that says something; libraries print warnings before it. */
function lastLine(text: string): string {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").at(-1) ??
    "it printed nothing";
}

/**
 * Starts the peer process and waits for its greeting.
 *
 * What libraries print for people is read and kept out of the way; its last line is part of the
 * error if the process ends too early.
 *
 * @param command What to start; the project's own process if left out.
 * @returns The process; `await using` ends it.
 * @throws {Error} If it ends before it greets.
 */
export async function startPeers(command: PeerCommand = peerCommand): Promise<PeerProcess> {
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
        throw new Error(
          `Cannot measure other libraries: their process must answer: it ended: ${
            lastLine(chatter)
          }`,
        );
      }
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return line;
  }

  async function readMessage<Message>(key: keyof Message & string): Promise<Message> {
    const line = await readLine();
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
    const greeting = await readMessage<Greeting>("ready");
    return {
      greeting,
      async ask(request) {
        // a write to a process that has ended fails with less to say than the read after it
        await input.write(new TextEncoder().encode(JSON.stringify(request) + "\n")).catch(() => {});
        return await readMessage<Answer>("ok");
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
