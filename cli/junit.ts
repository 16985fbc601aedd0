/** How many tests ended how. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts the test cases of a JUnit report as `deno test --junit-path` writes it.
 *
 * A step counts as a test case of its own, and so does the test that holds it.
 *
 * @param xml The whole report.
 * @returns The counts; all zero for a report without a test case.
 * @throws {RangeError} If the text is no complete JUnit report.
 */
export function countTests(xml: string): TestCounts {
  if (!/<testsuites[\s>]/.test(xml) || !/<\/testsuites>\s*$/.test(xml)) {
    throw new RangeError("Cannot count tests: expected a complete JUnit report: found none");
  }
  // Deno escapes "<" in names and messages, so a tag in the text is a tag of the report.
  const count = (tag: RegExp): number => xml.match(tag)?.length ?? 0;
  const failed = count(/<(failure|error)[\s>/]/g);
  const skipped = count(/<skipped[\s>/]/g);
  return { passed: count(/<testcase\s/g) - failed - skipped, failed, skipped };
}

/**
 * Judges a test run by its report and its exit code together: a file that could not be loaded is in
 * no report, and a run without a test proves nothing.
 *
 * @param counts What the report says.
 * @param exitCode Exit code of `deno test`.
 * @returns The counts, with a failure that is in no report counted as one.
 */
export function judge(counts: TestCounts, exitCode: number): TestCounts {
  const unreported = counts.failed === 0 && (exitCode !== 0 || counts.passed === 0);
  return unreported ? { ...counts, failed: 1 } : counts;
}

/** Writes counts as the closing line: `N passed, N failed`, and `, N skipped` if some were. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
