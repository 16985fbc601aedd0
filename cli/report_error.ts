import { CommanderError } from "@commander-js/extra-typings";
import { UserError } from "../formats/mod.ts";

/** Exit code of a user's mistake. */
const MISTAKE = 2;
/** Exit code of a failure of the machine. */
const FAILURE = 1;

function isMistake(error: unknown): boolean {
  return error instanceof UserError || error instanceof RangeError;
}

/**
 * Prints what ended a command: one line for a person, a stack trace only where the fault may be ours.
 *
 * @param error What was thrown.
 * @returns The exit code: 2 for a person's mistake, 1 for a failure, 0 where help was asked for.
 */
export function reportError(error: unknown): number {
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
