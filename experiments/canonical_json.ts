/**
 * Writes plain data as the one JSON text that equal data always gives: keys sorted by code unit, no
 * whitespace, finite numbers only.
 *
 * @param value Plain data: objects, arrays, strings, booleans, null and finite numbers. Object
 *   fields that are `undefined` are left out, as in `JSON.stringify`.
 * @returns The text, the same for every order in which keys were written.
 * @throws {RangeError} If a number is NaN or infinite.
 * @throws {TypeError} If a value is not plain data.
 *
 * @see RFC 8785, JSON Canonicalization Scheme
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$");
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot write JSON: numbers must be finite: ${path} is ${value}`);
    }
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((item, i) => write(item, `${path}[${i}]`)).join(",")}]`;
  }
  if (isPlainObject(value)) {
    const fields = Object.keys(value).sort().filter((key) => value[key] !== undefined)
      .map((key) => `${JSON.stringify(key)}:${write(value[key], `${path}.${key}`)}`);
    return `{${fields.join(",")}}`;
  }
  throw new TypeError(`Cannot write JSON: values must be plain data: ${path} is ${kindOf(value)}`);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function kindOf(value: unknown): string {
  return typeof value === "object" ? `a ${value?.constructor?.name}` : `a ${typeof value}`;
}
