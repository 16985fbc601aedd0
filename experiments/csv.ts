/** What a cell can hold; `undefined` and numbers that are not finite become empty cells. */
export type CsvValue = string | number | boolean | undefined;

function field(value: CsvValue): string {
  if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Writes a table as CSV: fields with commas, quotes or line breaks are quoted, lines end with CRLF.
 *
 * @param header Names of the columns.
 * @param rows One list of values a row, as long as the header.
 * @returns The text.
 * @throws {RangeError} If a row has another length than the header.
 *
 * @see RFC 4180
 */
export function writeCsv(
  header: readonly string[],
  rows: readonly (readonly CsvValue[])[],
): string {
  const short = rows.findIndex((row) => row.length !== header.length);
  if (short >= 0) {
    throw new RangeError(
      `Cannot write CSV: every row must have ${header.length} fields: row ${short} has ` +
        `${rows[short].length}`,
    );
  }
  return [header, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");
}
