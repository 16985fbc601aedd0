import assert from "node:assert/strict";

/** What the random numbers of a record start from. */
export interface StochasticRecord {
  readonly seed: number;
  readonly stream: number;
  readonly step: number;
}

const records = Deno.readTextFileSync(
  new URL("../../fixtures/quantization/golden.jsonl", import.meta.url),
).trim().split("\n").map((line) => JSON.parse(line));

/**
 * Gives the golden vectors of one kind.
 *
 * @param kind As `make_golden.py` calls them.
 * @returns Records in the order of the file, at least one.
 */
export function goldenRecords<Golden>(kind: string): Golden[] {
  const found = records.filter((record) => record.kind === kind);
  assert.ok(found.length > 0, `no record of ${kind}`);
  return found;
}
