// Speaks the protocol of bench/peers/main.ts, with chatter, refusals and an early end on demand.

const write = (message: unknown): void => console.log(JSON.stringify(message));

console.error("chatter before the greeting");
if (Deno.args.includes("silent")) Deno.exit(3);
if (Deno.args.includes("garbled")) console.log("not JSON");
const inPython = Deno.args.find((name) => name.startsWith("Py"));
const peers = inPython === undefined ? { "jax-js": "0", tfjs: "0" } : { [inPython]: "1" };
write({ ready: true, peers, workloads: {} });

let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop()!;
  for (const line of lines) {
    const request = JSON.parse(line);
    console.error("chatter about", request.workload);
    if (request.workload === "crash") {
      console.error("it broke\n");
      Deno.exit(1);
    }
    if (request.workload === "hang") await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
    write(
      request.workload === "missing"
        ? { ok: false, unsupported: true, reason: "no such operation" }
        : {
          ok: true,
          version: inPython === undefined ? "0" : "1",
          median_ms: 5,
          workload: request.workload,
          outputs: {},
        },
    );
  }
}
