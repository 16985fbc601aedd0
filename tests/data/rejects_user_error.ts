import assert from "node:assert/strict";
import { UserError } from "../../formats/mod.ts";

/** Asserts that `action` fails with a one-line {@linkcode UserError} that matches `expected`. */
export async function rejectsUserError(
  action: Promise<unknown>,
  expected: string | RegExp,
): Promise<void> {
  const error = await action.then(() => undefined, (error) => error);
  assert.ok(error instanceof UserError, `expected a UserError: found ${error}`);
  assert.ok(!error.message.includes("\n"), error.message);
  if (typeof expected === "string") assert.equal(error.message, expected);
  else assert.match(error.message, expected);
}
