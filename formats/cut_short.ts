import { UserError } from "./user_error.ts";

/**
 * Makes the error for a file that ends before its own header says it should.
 *
 * @param name The file's name, as the reader knows it.
 * @param what What was being read, such as `container`.
 * @param found Bytes that are there.
 * @param expected Bytes that the header, or the format at its shortest, asks for.
 * @returns The error, which says both counts.
 */
export function cutShort(name: string, what: string, found: number, expected: number): UserError {
  return new UserError(
    `Cannot decode "${name}": the ${what} was cut at byte ${found}, expected ${expected} bytes`,
  );
}

/**
 * Makes the error for a file that goes on after its own header says it ends.
 *
 * @param name The file's name, as the reader knows it.
 * @param what What was being read, such as `container`.
 * @param found Bytes that are there.
 * @param expected Bytes that the header asks for.
 * @returns The error, which says both counts.
 */
export function tooLong(name: string, what: string, found: number, expected: number): UserError {
  return new UserError(
    `Cannot decode "${name}": the ${what} must end at byte ${expected}: found ${found} bytes`,
  );
}
