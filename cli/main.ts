import { Command } from "@commander-js/extra-typings";
import { unknownName } from "../formats/mod.ts";
import { helpText } from "./help.ts";
import { reportError } from "./report_error.ts";

/** Commands by name; only the one that is asked for is loaded, with all that it needs. */
const commands: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  sweep: async () => (await import("./sweep.ts")).addSweep,
  train: async () => (await import("./train.ts")).addTrain,
  evaluate: async () => (await import("./evaluate.ts")).addEvaluate,
  inspect: async () => (await import("./inspect.ts")).addInspect,
  bench: async () => (await import("./bench.ts")).addBench,
  verify: async () => (await import("./verify.ts")).addVerify,
  data: async () => (await import("./data.ts")).addData,
};

async function run(name: string): Promise<void> {
  if (!Object.hasOwn(commands, name)) throw unknownName("command", name, Object.keys(commands));
  const program = new Command("bitcliff").exitOverride().configureOutput({
    outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}\n`),
  });
  (await commands[name]())(program);
  await program.parseAsync(Deno.args, { from: "user" });
}

try {
  const [name = "--help"] = Deno.args;
  if (name === "--help" || name === "-h") console.log(helpText);
  else await run(name);
} catch (error) {
  Deno.exitCode = reportError(error);
}
