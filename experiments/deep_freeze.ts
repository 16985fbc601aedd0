/**
 * Freezes plain data all the way down, so that nothing can change an experiment after it was read.
 *
 * @param value Plain data; functions in it are left as they are.
 * @returns The same object.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const field of Object.values(value)) deepFreeze(field);
  }
  return value;
}
