import { Command, CommanderError } from "@commander-js/extra-typings";
import { UserError } from "../formats/user_error.ts";
import { addBench } from "./bench.ts";
import { addData } from "./data.ts";
import { addEvaluate } from "./evaluate.ts";
import { addSweep } from "./sweep.ts";
import { addTrain } from "./train.ts";
import { addVerify } from "./verify.ts";

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
  if (error instanceof Error && (isMistake(error) || /^Cannot /.test(error.message))) {
    console.error(error.message);
    return isMistake(error) ? MISTAKE : FAILURE;
  }
  console.error(error);
  return FAILURE;
}

const program = new Command("bitcliff")
  .description("How far can a network be reduced before it falls off the cliff?")
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });
for (
  const add of [addSweep, addTrain, addEvaluate, addBench, addVerify, addData]
) add(program);

try {
  await program.parseAsync(Deno.args, { from: "user" });
} catch (error) {
  Deno.exitCode = report(error);
}
