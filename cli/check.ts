/**
 * `deno task check`: layout, lint, types (of the examples too), documentation of every export,
 * architecture, and whether the package could be published. One line a stage with its time; what a
 * stage that failed had to say follows in full. Ends with a line `N passed, N failed`.
 */
import { closingLine } from "./junit.ts";
import { separateProjects } from "./separate_projects.ts";

const root = new URL("../", import.meta.url);
/** What the package exports. */
const SURFACES = ["mod.ts", "experiments/mod.ts"];

/** One thing to check: arguments for this same Deno. */
interface Stage {
  readonly name: string;
  readonly args: readonly string[];
}

/** Every file below `folder` that holds TypeScript of this project, not of a separate one. */
function sources(folder: string, apart: readonly string[], ending: RegExp): string[] {
  return [...Deno.readDirSync(new URL(folder, root))]
    .filter(({ name }) => !name.startsWith(".") && !["node_modules", "runs"].includes(name))
    .flatMap(({ name, isDirectory }) => {
      const path = folder + name;
      if (!isDirectory) return ending.test(name) ? [path] : [];
      return apart.includes(`${path}/`) ? [] : sources(`${path}/`, apart, ending);
    }).sort();
}

/** The quick ones first. */
const STAGES: readonly Stage[] = [
  { name: "layout", args: ["fmt", "--check", "--quiet"] },
  { name: "lint", args: ["lint", "--quiet"] },
  { name: "architecture", args: ["test", "--allow-read", "tests/architecture_test.ts"] },
  {
    name: "types",
    args: ["check", "--quiet", "--doc", ...sources("./", separateProjects(root), /\.(ts|md)$/)],
  },
  { name: "documentation", args: ["doc", "--lint", ...SURFACES] },
  { name: "package", args: ["publish", "--dry-run", "--allow-dirty", "--no-check", "--quiet"] },
];

/** Runs one stage and prints its line. */
async function passes({ name, args }: Stage): Promise<boolean> {
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: root,
    args: [...args],
  }).output();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${success ? "passed" : "FAILED"}  ${name.padEnd(13)}  ${seconds.padStart(5)} s`);
  if (!success) {
    const decoder = new TextDecoder();
    console.log(decoder.decode(stdout) + decoder.decode(stderr));
  }
  return success;
}

let passed = 0;
let failed = 0;
for (const stage of STAGES) {
  if (await passes(stage)) passed++;
  else failed++;
}
console.log(closingLine({ passed, failed, skipped: 0 }));
Deno.exitCode = failed > 0 ? 1 : 0;
