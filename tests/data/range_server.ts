/** How a server behaves, other than well. */
export interface Habits {
  /** Bytes of the body after which it breaks the first so many connections off. */
  readonly breaksAfter?: readonly number[];
  /** Passes over `Range`, as simple servers do. */
  readonly knowsNoRanges?: true;
  /** What it says that the file's length is, if it lies. */
  readonly length?: number;
  /** Answers with this status and nothing else. */
  readonly status?: number;
}

/** A server of one file that writes its answers by hand, so that it can break off. */
export interface RangeServer extends AsyncDisposable {
  /** Address of the file. */
  readonly url: string;
  /** The `Range` of every request, or an empty string. */
  readonly ranges: string[];
}

/**
 * Serves one file at `/archive.tar.gz` on this machine, until the end of the block.
 *
 * @param body The file.
 * @param habits How to misbehave.
 * @returns The server.
 */
export function serveRanges(body: Uint8Array, habits: Habits = {}): RangeServer {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const ranges: string[] = [];
  const breaks = [...habits.breaksAfter ?? []];

  async function answer(connection: Deno.Conn): Promise<void> {
    using _closed = connection;
    const buffer = new Uint8Array(8192);
    const request = new TextDecoder().decode(
      buffer.subarray(0, await connection.read(buffer) ?? 0),
    );
    const range = request.match(/^range: (.*)$/im)?.[1].trim() ?? "";
    ranges.push(range);
    const begin = habits.knowsNoRanges ? 0 : Number(range.match(/\d+/)?.[0] ?? 0);
    const length = habits.length ?? body.length;
    const isRest = begin > 0;
    const status = habits.status ?? (isRest ? 206 : 200);
    const head = [
      `HTTP/1.1 ${status} X`,
      `content-length: ${status >= 400 ? 0 : length - begin}`,
      ...isRest ? [`content-range: bytes ${begin}-${length - 1}/${length}`] : [],
      "connection: close",
    ];
    const end = Math.min(body.length, begin + (breaks.shift() ?? body.length));
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`));
    if (status < 400) await writer.write(body.slice(begin, end));
    await writer.close();
  }

  const answered = (async () => {
    // whoever hangs up first is no concern of the server
    for await (const connection of listener) await answer(connection).catch(() => {});
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/archive.tar.gz`,
    ranges,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await answered;
    },
  };
}
