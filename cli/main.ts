import { Command, CommanderError } from "@commander-js/extra-typings";
import { unknownName, UserError } from "../formats/mod.ts";
import { helpText } from "./help.ts";

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

/** Exit code of a user's mistake. */
const MISTAKE = 2;
/** Exit code of a failure of the machine. */
const FAILURE = 1;

function isMistake(error: unknown): boolean {
  return error instanceof UserError || error instanceof RangeError;
}

/** One line for a person; a stack trace only where the fault may be ours. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISTAKE;
  if (error instanceof Error && error.name === "NotCapable") {
    console.error(`Cannot go on: Deno does not allow it: ${error.message.split(",")[0]}`);
    return FAILURE;
  }
  if (error instanceof Error && (isMistake(error) || /^Cannot /.test(error.message))) {
    console.error(error.message);
    return isMistake(error) ? MISTAKE : FAILURE;
  }
  console.error(error);
  return FAILURE;
}

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
  Deno.exitCode = report(error);
}
