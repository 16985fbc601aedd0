import { writeCsv } from "../experiments/csv.ts";
import type {
  ComparedAccuracy,
  NetworkComparison,
} from "../experiments/inspect/compare_networks.ts";
import { plainTable } from "./plain_table.ts";
import type { VariantSpec } from "./variant_spec.ts";

const HEAD = ["layer", "tensor", "SQNR, dB", "largest difference", "clipped, %"];

function showDecibels(value: number): string {
  if (value === Infinity) return "equal";
  // + 0 makes 0 of -0
  return Number.isFinite(value) ? (Number(value.toFixed(1)) + 0).toFixed(1) : String(value);
}

/**
 * Draws how far two networks are apart, layer by layer; biases that nothing was done to are no news.
 *
 * @param comparison What was found.
 * @returns The table, without a line end.
 */
export function comparisonTable({ tensors }: NetworkComparison): string {
  const rows = tensors.filter(({ part, signalToNoise }) =>
    part !== "bias" || signalToNoise !== Infinity
  ).map(({ layer, part, signalToNoise, largest, clipped, channels, deadA, deadB }) => [
    layer,
    part,
    showDecibels(signalToNoise),
    largest === 0 ? "0" : largest.toPrecision(3),
    clipped === undefined ? "-" : (100 * clipped).toFixed(3),
    deadA,
    deadB,
    channels,
  ]);
  return plainTable([...HEAD, "dead in A", "dead in B", "channels"], rows, [2, 3, 4, 5, 6, 7]);
}

function showAccuracy({ accuracy, loss }: ComparedAccuracy): string {
  return `${(100 * accuracy).toFixed(2)} %, loss ${loss.toFixed(4)}`;
}

function showChange({ changed, images, lost, gained }: NetworkComparison): string {
  const count = Math.round(changed * images);
  return `${count} of ${images} predictions changed (${(100 * changed).toFixed(2)} %): ${lost} ` +
    `right ones lost, ${gained} gained`;
}

/**
 * Says how well both networks do, what became of their predictions, and where they part.
 *
 * @param specs Both, as they were typed.
 * @param result What was found.
 * @returns One sentence a line.
 */
export function comparisonSentences(
  [a, b]: readonly [VariantSpec, VariantSpec],
  result: NetworkComparison,
): string[] {
  const { first } = result;
  return [
    `A ${a.text}: ${showAccuracy(result.a)}`,
    `B ${b.text}: ${showAccuracy(result.b)}`,
    showChange(result),
    first === undefined ? "no tensor differs" : `first difference: ${first.part} of ${first.layer}`,
  ];
}

/** A number as CSV and JSON can say it: an empty cell or null would not tell equal tensors from broken ones. */
function tellable(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return String(value).replace("Infinity", "inf").replace("NaN", "nan");
}

/**
 * Makes what a comparison found ready for JSON: ratios that are not finite become `"inf"` and `"nan"`.
 *
 * @param comparison What was found.
 * @returns The same.
 */
export function comparisonJson(comparison: NetworkComparison): Record<string, unknown> {
  const tensors = comparison.tensors.map(({ signalToNoise, largest, ...rest }) => ({
    ...rest,
    signalToNoise: tellable(signalToNoise),
    largest: tellable(largest),
  }));
  return { ...comparison, tensors };
}

/**
 * Writes what a comparison found as a table for programs.
 *
 * @param comparison What was found.
 * @returns A CSV, one line a tensor.
 */
export function comparisonCsv({ tensors }: NetworkComparison): string {
  const header = ["layer", "tensor", "signalToNoise", "largest", "clipped"];
  return writeCsv(
    [...header, "deadA", "deadB", "channels"],
    tensors.map(({ layer, part, signalToNoise, largest, clipped, deadA, deadB, channels }) => [
      layer,
      part,
      tellable(signalToNoise),
      largest,
      clipped,
      deadA,
      deadB,
      channels,
    ]),
  );
}
