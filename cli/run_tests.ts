/**
 * `deno task test [FILE...]`: all tests, and the examples of the sources and documents; writes
 * `tests.junit.xml` and ends with a line `N passed, N failed`.
 *
 * `DENO_JOBS` says how many test files run at once (default: one a core). On a software adapter each
 * of them computes on one thread (`LP_NUM_THREADS=0`): the same speed a core, cheaper dispatches.
 */
import { closingLine, countTests, judge, type TestCounts } from "./junit.ts";
import { separateProjects } from "./separate_projects.ts";

const root = new URL("../", import.meta.url);
const REPORT = "tests.junit.xml";

/** What tests may do: compute, draw, keep files, run this Deno and the launcher, serve locally. */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-ffi",
  "--allow-sys",
  "--allow-net=127.0.0.1,localhost",
  `--allow-run=${Deno.execPath()},/bin/sh`,
];

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, root)).then(() => true, () => false);
}

/** Runs `deno test` and waits; its output goes to the terminal as it comes. */
async function runTests(targets: readonly string[]): Promise<number> {
  const ignored = separateProjects(root);
  const { code } = await new Deno.Command(Deno.execPath(), {
    cwd: root,
    args: [
      "test",
      ...(await exists("mod.ts") ? ["--doc"] : []), // the examples import it
      "--parallel",
      "--no-check", // types are for `deno task check`, which checks the examples too
      ...PERMISSIONS,
      ...(ignored.length > 0 ? [`--ignore=${ignored.join(",")}`] : []),
      `--junit-path=${REPORT}`,
      ...targets,
    ],
    env: { LP_NUM_THREADS: Deno.env.get("LP_NUM_THREADS") ?? "0" },
  }).spawn().status;
  return code;
}

async function readReport(): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(REPORT, root));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "<testsuites></testsuites>"; // nothing ran
    throw error;
  }
}

/** Exit codes from here on are signals: 128 and the number of the signal. */
const SIGNALED = 128;

async function testOnce(): Promise<{ counts: TestCounts; exitCode: number }> {
  // The report of an earlier run must not answer for this one.
  await Deno.remove(new URL(REPORT, root)).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const exitCode = await runTests(Deno.args);
  return { counts: countTests(await readReport()), exitCode };
}

let result = await testOnce();
if (result.exitCode >= SIGNALED && result.counts.failed === 0) {
  // seen twice in some hundred runs: the software adapter frees its memory twice when Deno exits
  console.error(
    `deno test died of signal ${result.exitCode - SIGNALED} at exit: running once more`,
  );
  result = await testOnce();
}
const counts = judge(result.counts, result.exitCode);
console.log(closingLine(counts));
Deno.exitCode = counts.failed > 0 ? 1 : 0;
