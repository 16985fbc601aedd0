/**
 * A worker for tests that speaks the pool's protocol without measuring; what it does depends on the
 * seed: 1 dies silently after a trial, 2 dies with words, 3 prints what is no message, 20 hangs.
 *
 * @module
 */
import { TextLineStream } from "../../../experiments/execute/text_line_stream.ts";
import { type Trial, trialId } from "../../../experiments/trial.ts";

function say(message: unknown): void {
  console.log(JSON.stringify(message));
}

const lines = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const trials: Trial[] = JSON.parse(line);
  const [{ seed }] = trials;
  const note = [Deno.pid, ...Deno.args, Deno.env.get("LP_NUM_THREADS")].join(" ");
  if (seed >= 10) {
    say({ id: trialId(trials[0]), outcome: { status: "training", completed: 0, note } });
  }
  if (seed === 20) await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (seed === 2) {
    console.error("error: XDG_RUNTIME_DIR is invalid or not set");
    console.error("Cannot open a device: no WebGPU adapter was found");
    Deno.exit(1);
  }
  if (seed === 3) console.log("lavapipe says hello");
  for (const trial of trials) {
    const metrics = { testAccuracy: 0.5, testLoss: 1, predictedClasses: 10 };
    say({ id: trialId(trial), outcome: { status: "done", metrics, seconds: 0 } });
    if (seed === 1) Deno.exit(3);
  }
  say({ idle: true });
}
