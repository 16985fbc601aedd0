import assert from "node:assert/strict";
import { UserError } from "../../formats/mod.ts";

/** Asserts that `action` fails with a {@linkcode UserError} whose message is exactly `message`. */
export function throwsUserError(action: () => unknown, message: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.message, message);
    return true;
  });
}
