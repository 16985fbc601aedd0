import type { PeerCommand } from "../../bench/peer_connection.ts";

/**
 * Says how to start `fake_peer.ts`.
 *
 * @param args `silent` or `garbled`, for one that does not greet; the name of a peer in Python.
 * @returns The command.
 */
export function fakePeer(...args: string[]): PeerCommand {
  return {
    command: Deno.execPath(),
    args: ["run", "--quiet", "--no-check", "--no-config", "fake_peer.ts", ...args],
    cwd: new URL("./", import.meta.url),
  };
}
