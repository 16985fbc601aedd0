import assert from "node:assert/strict";
import {
  allowedRooms,
  allPermissions,
  backwardImports,
  denoInPortableRooms,
  emptyNames,
  longFiles,
  loosePins,
  orphanShaders,
  type ProjectConfig,
  registryHosts,
  unmappedImports,
} from "./support/architecture.ts";
import { sourceFile } from "./support/source_file.ts";

const root = new URL("../", import.meta.url);

/** Folders that hold nothing of the project's own; the same that `.gitignore` names. */
const NOT_OURS = new Set([".git", ".tools", "node_modules", "runs"]);

/** Every file of the project, also one that is not yet tracked. */
function projectPaths(folder = ""): string[] {
  return [...Deno.readDirSync(new URL(folder, root))]
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap(({ name, isDirectory }) =>
      isDirectory ? projectPaths(`${folder}${name}/`) : [folder + name]
    ).sort();
}

function isText(path: string): boolean {
  return /\.(ts|wgsl|sh|json|lock|md|py|js)$/.test(path) || /^(bitcliff|\.ci\/run)$/.test(path);
}

function readText(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

const paths = projectPaths();
const files = paths.filter(isText).map((path) => sourceFile(path, readText(path)));
const config: ProjectConfig = JSON.parse(readText("deno.json"));
// Folders with a deno.json of their own have an import map of their own.
const projects = paths.filter((path) => path.endsWith("/deno.json"))
  .map((path) => ({ folder: path.replace(/deno\.json$/, ""), path }));
const home = files.filter(({ path }) => !projects.some(({ folder }) => path.startsWith(folder)));

Deno.test("the project's files are found", () => {
  assert(files.length > 100, `found ${files.length}`);
  assert(files.some(({ imports }) => imports.includes("./errors.ts")), "imports are read");
});

Deno.test("every import points down the house", () => {
  assert.deepEqual(backwardImports(files.filter(({ path }) => path.endsWith(".ts"))), []);
});

Deno.test("every specifier is a file, Node's own or in the import map", () => {
  assert.deepEqual(unmappedImports(home, config), []);
  for (const { folder, path } of projects) {
    const own: ProjectConfig = JSON.parse(readText(path));
    assert.deepEqual(
      unmappedImports(files.filter((file) => file.path.startsWith(folder)), own),
      [],
    );
  }
});

Deno.test("every package is pinned to one version", () => {
  for (const path of ["deno.json", ...projects.map((project) => project.path)]) {
    assert.deepEqual(loosePins(JSON.parse(readText(path))), [], path);
  }
});

Deno.test("no file is longer than 300 lines", () => {
  assert.deepEqual(longFiles(files), []);
});

Deno.test("no name says nothing", () => {
  assert.deepEqual(emptyNames(paths), []);
});

Deno.test("gpu, kernels, autograd, models and compression use no API of Deno or Node", () => {
  assert.deepEqual(denoInPortableRooms(files), []);
});

Deno.test("no task asks for every permission", () => {
  assert.deepEqual(allPermissions(config), []);
});

Deno.test("no file names the host of a package registry", () => {
  assert.deepEqual(registryHosts(files), []);
});

Deno.test("every shader is imported", () => {
  assert.deepEqual(orphanShaders(files), []);
});

// Each rule on a small bad example: a rule that cannot fail proves nothing.

Deno.test("backwardImports() finds arrows of every kind of import, and only arrows that point back", () => {
  const bad = [
    `import { a } from "../models/a.ts";`,
    `import type { a } from "../training/a.ts";`,
    `export * from "../data/a.ts";`,
    `export { a } from "../cli/a.ts";`,
    `const a = await import("../experiments/a.ts");`,
    `type A = import("../autograd/a.ts").A;`,
    `import "../../elsewhere.ts";`,
  ];
  for (const text of bad) {
    assert.equal(backwardImports([sourceFile("kernels/x.ts", text)]).length, 1, text);
  }
  const good = `import { a } from "../gpu/mod.ts"; import b from "./b.wgsl" with { type: "text" };
    // import "../cli/a.ts"
    const text = \`import { a } from "../models/a.ts";\`;`;
  assert.deepEqual(backwardImports([sourceFile("kernels/x.ts", good)]), []);
  assert.deepEqual(backwardImports([sourceFile("gpu/x.ts", `import "../formats/mod.ts";`)]), [
    "gpu/x.ts: gpu must not import from formats: ../formats/mod.ts",
  ]);
  assert.deepEqual(backwardImports([sourceFile("attic/x.ts", `import "../gpu/mod.ts";`)]), [
    'attic/x.ts: the room "attic" has no rule',
  ]);
});

Deno.test("allowedRooms has no two rooms that may import each other, cli and bench aside", () => {
  for (const [from, rooms] of Object.entries(allowedRooms)) {
    for (const to of rooms.filter((room) => !["cli", "bench"].includes(room))) {
      assert(!allowedRooms[to].includes(from), `${from} and ${to}`);
    }
  }
});

Deno.test("unmappedImports() finds a package that deno.json does not name", () => {
  const map = { imports: { "chart.js": "npm:chart.js@4.6.1" } };
  const file = sourceFile(
    "cli/x.ts",
    `import "chart.js/auto"; import "node:fs"; import "chart.jsx"; import "npm:left-pad@1.0.0";`,
  );
  assert.deepEqual(unmappedImports([file], map), [
    "cli/x.ts: not in the import map of deno.json: chart.jsx",
    "cli/x.ts: not in the import map of deno.json: npm:left-pad@1.0.0",
  ]);
});

Deno.test("loosePins() finds ranges, tags and missing versions", () => {
  const exact = { a: "npm:a@1.2.3", b: "npm:@b/b@1.2.3-rc.1/sub", c: "./c.ts" };
  assert.deepEqual(loosePins({ imports: exact }), []);
  for (
    const target of ["npm:a", "npm:a@^1.2.3", "npm:a@1.2", "npm:@a/a@latest", "https://a/b.ts"]
  ) {
    assert.equal(loosePins({ imports: { a: target } }).length, 1, target);
  }
});

Deno.test("longFiles() finds 301 lines and lets 300 pass", () => {
  const lines = (count: number) => sourceFile("kernels/x.wgsl", "// line\n".repeat(count));
  assert.deepEqual(longFiles([lines(300)]), []);
  assert.deepEqual(longFiles([lines(301)]), ["kernels/x.wgsl: at most 300 lines: found 301"]);
  assert.equal(longFiles([sourceFile("bitcliff", "#\n".repeat(301))]).length, 1);
});

Deno.test("emptyNames() finds them as folder, file and part of a name", () => {
  const bad = ["gpu/utils.ts", "helpers/a.ts", "cli/common_options.ts", "data/file-manager.ts"];
  assert.equal(emptyNames(bad).length, bad.length);
  assert.deepEqual(emptyNames(["gpu/utilization.ts", "data/miscellany.ts"]), []);
});

Deno.test("denoInPortableRooms() finds Deno and Node, but not in comments or other rooms", () => {
  assert.equal(denoInPortableRooms([sourceFile("gpu/x.ts", "Deno.cwd();")]).length, 1);
  assert.equal(denoInPortableRooms([sourceFile("models/x.ts", `import "node:fs";`)]).length, 1);
  assert.equal(denoInPortableRooms([sourceFile("gpu/x.ts", "globalThis.Deno;")]).length, 1);
  assert.deepEqual(denoInPortableRooms([sourceFile("gpu/x.ts", '"Deno"; // Deno.cwd()')]), []);
  assert.deepEqual(denoInPortableRooms([sourceFile("data/x.ts", "Deno.cwd();")]), []);
});

Deno.test("allPermissions() finds -A, also among short flags, and --allow-all", () => {
  for (const command of ["deno run -A a.ts", "deno run -qA a.ts", "deno run --allow-all a.ts"]) {
    assert.equal(allPermissions({ tasks: { a: command, b: { command } } }).length, 2, command);
  }
  assert.deepEqual(allPermissions({ tasks: { a: "deno run --allow-read a.ts -x" } }), []);
});

Deno.test("registryHosts() finds one in any file but the lock", () => {
  const text = "https://registry.npm" + "js.org/a";
  assert.equal(registryHosts([sourceFile("README.md", text)]).length, 1);
  assert.deepEqual(registryHosts([sourceFile("deno.lock", text)]), []);
});

Deno.test("orphanShaders() finds a shader that is only mentioned", () => {
  const shader = sourceFile("kernels/a/a.wgsl", "");
  const mention = sourceFile("kernels/a/a.ts", `const file = "./a.wgsl";`);
  const importer = sourceFile("kernels/a/b.ts", `import a from "./a.wgsl" with { type: "text" };`);
  assert.equal(orphanShaders([shader, mention]).length, 1);
  assert.deepEqual(orphanShaders([shader, importer]), []);
});
