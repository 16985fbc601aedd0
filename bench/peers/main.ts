/**
 * Measures other libraries, one request a line: see `protocol.ts`.
 *
 * ```sh
 * cd bench/peers && DENO_WEBGPU_BACKEND=vulkan deno task serve
 * ```
 *
 * @module
 */

import type { Peer, Prepared } from "./peer.ts";
import {
  type Answer,
  type Greeting,
  type LibraryName,
  parseRequest,
  peerVersions,
  type SampledOutput,
  sampleOutput,
  UnsupportedError,
} from "./protocol.ts";
import { timePrepared } from "./timing.ts";
import { workloads } from "./workloads.ts";

/** Opened at the first request, since each opens a GPU device of its own. */
const openers: Readonly<Record<LibraryName, () => Promise<Peer>>> = {
  "jax-js": async () => (await import("./jax.ts")).openJax(),
  "tfjs": async () => (await import("./tfjs.ts")).openTfjs(),
};

/** The last workload of one peer, kept so that a caller can alternate samples. */
interface Kept {
  readonly key: string;
  readonly prepared: Prepared;
  readonly outputs: Readonly<Record<string, SampledOutput>>;
}

const peers = new Map<LibraryName, Peer>();
const kept = new Map<LibraryName, Kept>();
/** What the GPU said against the request in hand: a library would print it and go on with zeros. */
const deviceErrors: string[] = [];

async function openPeer(name: LibraryName): Promise<Peer> {
  const opened = peers.get(name);
  if (opened !== undefined) return opened;
  const peer = await openers[name]();
  peer.device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    deviceErrors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  peers.set(name, peer);
  return peer;
}

function forget(name: LibraryName): void {
  const before = kept.get(name);
  kept.delete(name);
  before?.prepared.dispose();
}

/** A request that names a library of this process. */
type LibraryRequest = ReturnType<typeof parseRequest>;

async function keep(
  peer: Peer,
  { peer: name, workload, params, seed }: LibraryRequest,
): Promise<Kept> {
  const key = JSON.stringify([workload, params, seed]);
  const last = kept.get(name);
  if (last?.key === key) return last;
  forget(name);
  const prepared = await peer.prepare(workload, params, workloads[workload].inputs(params, seed));
  try {
    const outputs: Record<string, SampledOutput> = {};
    for (const [output, data] of Object.entries(await prepared.outputs())) {
      outputs[output] = sampleOutput(data);
    }
    const now = { key, prepared, outputs };
    kept.set(name, now);
    return now;
  } catch (error) {
    prepared.dispose();
    throw error;
  }
}

async function measure(request: LibraryRequest): Promise<Answer> {
  const { peer: name, workload, params, seed, minimumSeconds } = request;
  deviceErrors.length = 0;
  const peer = await openPeer(name);
  const { prepared, outputs } = await keep(peer, request);
  const timing = minimumSeconds > 0 ? await timePrepared(prepared, minimumSeconds) : undefined;
  if (deviceErrors.length > 0) {
    forget(name);
    throw new Error(`Cannot measure "${workload}" of ${name}: the GPU refused: ${deviceErrors[0]}`);
  }
  return {
    ok: true,
    peer: name,
    version: peerVersions[name],
    workload,
    params,
    seed,
    adapter: peer.adapter,
    median_ms: timing?.median ?? null,
    p10: timing?.p10 ?? null,
    p90: timing?.p90 ?? null,
    repetitions: timing?.repetitions ?? 0,
    outputs,
  };
}

async function answer(line: string): Promise<Answer> {
  let request: LibraryRequest | undefined;
  try {
    request = parseRequest(line);
    return await measure(request);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.replaceAll(/\s+/g, " ").trim();
    const unsupported = error instanceof UnsupportedError;
    return { ok: false, unsupported, reason, peer: request?.peer, workload: request?.workload };
  }
}

async function* linesOf(input: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  yield rest;
}

const encoder = new TextEncoder();
const output = Deno.stdout.writable.getWriter();

function write(message: Greeting | Answer): Promise<void> {
  return output.write(encoder.encode(JSON.stringify(message) + "\n"));
}

// standard output belongs to the protocol
console.log = console.info = console.debug = console.error;

await write({
  ready: true,
  peers: peerVersions,
  workloads: Object.fromEntries(
    Object.entries(workloads).map(([name, { defaults }]) => [name, defaults]),
  ),
});
for await (const line of linesOf(Deno.stdin.readable)) {
  if (line.trim() !== "") await write(await answer(line));
}
Deno.exit(0);
