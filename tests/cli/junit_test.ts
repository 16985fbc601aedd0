import assert from "node:assert/strict";
import { closingLine, countTests, judge } from "../../cli/junit.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.010">
    <testsuite name="./x_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="passes" classname="./x_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="writes &lt;failure&gt; and &lt;testcase &gt;" classname="./x_test.ts" time="0">
        </testcase>
        <testcase name="is skipped" classname="./x_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="fails" classname="./x_test.ts" time="0.001" line="3" col="6">
            <failure message="Uncaught Error: x">Error: x</failure>
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("countTests() tells passed, failed and skipped test cases apart", () => {
  assert.deepEqual(countTests(report), { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("countTests() counts what deno test really writes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/sample_test.ts`;
    await Deno.writeTextFile(
      file,
      `Deno.test("passes", () => {});
       Deno.test("has a <failure>", () => { throw new Error("<testcase x>"); });
       Deno.test({ name: "is skipped", ignore: true, fn() {} });`,
    );
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", `--junit-path=${folder}/report.xml`, file],
      stdout: "null",
      stderr: "null",
    }).output();
    assert.equal(code, 1);
    const counts = countTests(await Deno.readTextFile(`${folder}/report.xml`));
    assert.deepEqual(counts, { passed: 1, failed: 1, skipped: 1 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("countTests() refuses a report that was cut", () => {
  assert.throws(() => countTests(report.slice(0, -20)), RangeError);
  assert.throws(() => countTests(""), RangeError);
});

Deno.test("judge() counts a failure that is in no report, and a run without tests, as one", () => {
  const clean = { passed: 3, failed: 0, skipped: 0 };
  assert.deepEqual(judge(clean, 0), clean);
  assert.equal(judge(clean, 1).failed, 1);
  assert.equal(judge({ passed: 0, failed: 0, skipped: 2 }, 0).failed, 1);
  assert.equal(judge({ passed: 1, failed: 2, skipped: 0 }, 1).failed, 2);
});

Deno.test("closingLine() names skipped tests only where there are some", () => {
  assert.equal(closingLine({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assert.equal(closingLine({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});
