/**
 * A process that measures networks on a software adapter, one at a time.
 *
 * Reads a JSON array of trials a line, all of one network, and writes a JSON line a report, then
 * `{"idle": true}`. Ends with its input, at once also in the middle of a training. Started by
 * `worker_pool.ts` only.
 *
 * @module
 */
import { TextLineStream } from "./text_line_stream.ts";
import { openDevice } from "../../gpu/mod.ts";
import type { Trial } from "../trial.ts";
import { deviceExecutor } from "./execute.ts";
import { openLaboratory } from "./laboratory.ts";
import { networkShelf } from "./network_shelf.ts";

async function serve(): Promise<void> {
  const [networks, maker, directory] = Deno.args;
  using device = await openDevice();
  const execute = deviceExecutor(openLaboratory(device, directory || undefined), {
    shelf: networkShelf(networks, maker || undefined),
    seedsTogether: 1,
  });
  let isBusy = false;
  // the pool closes the input of idle workers only: an end in between means that it was killed
  const untilOrphaned = new TransformStream<Uint8Array, Uint8Array>({
    flush() {
      if (isBusy) Deno.exit(1);
    },
  });
  const lines = Deno.stdin.readable
    .pipeThrough(untilOrphaned)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    isBusy = true;
    const trials: Trial[] = JSON.parse(line);
    const { signal } = new AbortController();
    await execute(trials, (id, outcome) => console.log(JSON.stringify({ id, outcome })), signal);
    isBusy = false;
    console.log(JSON.stringify({ idle: true }));
  }
}

try {
  await serve();
} catch (error) {
  // the pool passes this on as the reason of failed trials: one line, no stack
  console.error(error instanceof Error ? error.message : String(error));
  Deno.exit(1);
}
