import assert from "node:assert/strict";
import {
  formatColumns,
  formatMilliseconds,
  formatRate,
  formatSpread,
} from "../../bench/columns.ts";

Deno.test("formatColumns() sets cells below their titles, without blanks at line ends", () => {
  const columns = [
    { title: "name", align: "left" },
    { title: "ms", align: "right" },
    { title: "bound", align: "left" },
  ] as const;
  assert.equal(
    formatColumns(columns, [["a", "1.25", "x"], ["longer", "9", "memory"]], 2),
    [
      "  name      ms  bound",
      "  a       1.25  x",
      "  longer     9  memory",
    ].join("\n"),
  );
});

Deno.test("formatMilliseconds() keeps three digits and carries into the next unit", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0.0123, "12.3 us"],
    [0.0999, "99.9 us"],
    [0.527, "527 us"],
    [0.9996, "1.00 ms"],
    [1.234, "1.23 ms"],
    [9.999, "10.0 ms"],
    [41.26, "41.3 ms"],
    [99.96, "100 ms"],
    [1689.4, "1689 ms"],
    [12_340, "12.3 s"],
  ];
  for (const [value, text] of cases) assert.equal(formatMilliseconds(value), text);
});

Deno.test("formatSpread() has one unit for both ends", () => {
  assert.equal(formatSpread(40.81, 43.04), "40.8-43.0 ms");
  assert.equal(formatSpread(0.326, 0.589), "326-589 us");
  assert.equal(formatSpread(0.97, 1.48), "0.97-1.48 ms");
  assert.equal(formatSpread(0.0101, 0.0123), "10.1-12.3 us");
});

Deno.test("formatRate() drops digits that say nothing", () => {
  assert.deepEqual([0.123, 0.96, 23.74, 231.4].map(formatRate), ["0.12", "1.0", "23.7", "231"]);
});
