/** What a source file says about itself, as far as the rules of the house ask. */
export interface SourceFile {
  /** Path from the root of the project, with `/`. */
  readonly path: string;
  /** The whole text. */
  readonly text: string;
  /** Every specifier that is imported or re-exported; empty for files other than TypeScript. */
  readonly imports: readonly string[];
  /** Whether the code names the global `Deno`. */
  readonly namesDeno: boolean;
}

/** The part of `deno.json` that the rules ask about. */
export interface ProjectConfig {
  readonly imports?: Readonly<Record<string, string>>;
  readonly tasks?: Readonly<Record<string, { readonly command: string } | string>>;
}

/** One thing that is against a rule, in one line. */
export type Violation = string;

const BELOW_MODELS = ["formats", "gpu", "kernels", "autograd"];
const BELOW_TRAINING = [...BELOW_MODELS, "models", "compression", "data"];
const BELOW_CLI = [...BELOW_TRAINING, "training", "experiments", "mod.ts"];

/**
 * What each room may import from, beside itself. `formats` holds the error class of a user's mistake
 * and is the floor of the house; only `gpu` stands beside it, on nothing.
 */
export const allowedRooms: Readonly<Record<string, readonly string[]>> = {
  gpu: [],
  formats: [],
  kernels: ["formats", "gpu"],
  autograd: ["formats", "gpu", "kernels"],
  models: BELOW_MODELS,
  compression: BELOW_MODELS,
  data: ["formats", "gpu", "kernels"],
  training: BELOW_TRAINING,
  experiments: [...BELOW_TRAINING, "training"],
  "mod.ts": [...BELOW_TRAINING, "training", "experiments"],
  cli: [...BELOW_CLI, "bench"],
  bench: [...BELOW_CLI, "cli"],
  tests: [...BELOW_CLI, "cli", "bench"],
};

/** Rooms that run in a browser page as they are. */
const PORTABLE = ["gpu", "kernels", "autograd", "models", "compression"];

/** Longest file, in lines. */
const LINE_LIMIT = 300;

/** Names that say nothing. */
const EMPTY_NAME = /^(utils?|helpers?|commons?|misc|managers?)$/;

/** Addresses of package registries; put together here so that this file does not hold one. */
const REGISTRY_HOST = new RegExp(
  ["registry\\.npm" + "js", "deb\\.deb" + "ian\\.org", "archive\\.ubu" + "ntu", "py" + "pi\\.org"]
    .join("|"),
);

function roomOf(path: string): string {
  return path.split("/")[0];
}

/** Resolves a relative specifier to a path from the root; `undefined` if it leaves the project. */
function resolve(from: string, specifier: string): string | undefined {
  const segments = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (segments.pop() === undefined) return undefined;
    } else if (part !== ".") segments.push(part);
  }
  return segments.join("/");
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith("./") || specifier.startsWith("../");
}

/** Finds imports that point to a room which the importing room must not know. */
export function backwardImports(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(({ path, imports }) =>
    imports.filter(isRelative).flatMap((specifier) => {
      const from = roomOf(path);
      const target = resolve(path, specifier);
      const to = target === undefined ? "outside of the project" : roomOf(target);
      const allowed = allowedRooms[from];
      if (allowed === undefined) return [`${path}: the room "${from}" has no rule`];
      if (to === from || allowed.includes(to)) return [];
      return [`${path}: ${from} must not import from ${to}: ${specifier}`];
    })
  );
}

/** Finds specifiers that are neither files of the project, nor in the import map, nor Node's own. */
export function unmappedImports(files: readonly SourceFile[], config: ProjectConfig): Violation[] {
  const mapped = Object.keys(config.imports ?? {});
  const known = (specifier: string) =>
    isRelative(specifier) || specifier.startsWith("node:") ||
    mapped.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return files.flatMap(({ path, imports }) =>
    imports.filter((specifier) => !known(specifier))
      .map((specifier) => `${path}: not in the import map of deno.json: ${specifier}`)
  );
}

/** Finds files that are longer than one thing needs. */
export function longFiles(files: readonly SourceFile[]): Violation[] {
  return files.filter(({ path }) => /\.(ts|wgsl|sh)$/.test(path) || path === "bitcliff")
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > LINE_LIMIT)
    .map(({ path, lines }) => `${path}: at most ${LINE_LIMIT} lines: found ${lines}`);
}

/** Finds files and folders whose name would fit anything. */
export function emptyNames(paths: readonly string[]): Violation[] {
  return paths.filter((path) =>
    path.split("/").some((segment) =>
      segment.replace(/\..*$/, "").split(/[_-]/).some((word) => EMPTY_NAME.test(word))
    )
  ).map((path) => `${path}: a name that says nothing`);
}

/** Finds uses of Deno's own API in rooms that must run in a browser page too. */
export function denoInPortableRooms(files: readonly SourceFile[]): Violation[] {
  return files.filter(({ path }) => PORTABLE.includes(roomOf(path)))
    .flatMap(({ path, imports, namesDeno }) => [
      ...(namesDeno ? [`${path}: names Deno's own API`] : []),
      ...imports.filter((specifier) => specifier.startsWith("node:"))
        .map((specifier) => `${path}: no browser has ${specifier}`),
    ]);
}

/** Finds packages in the import map without one exact version. */
export function loosePins(config: ProjectConfig): Violation[] {
  const exact = /^(npm|jsr):\/?(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+(-[\w.]+)?(\/.*)?$/;
  return Object.entries(config.imports ?? {})
    .filter(([, target]) => !isRelative(target) && !exact.test(target))
    .map(([name, target]) => `deno.json: ${name} needs an exact version: found ${target}`);
}

/** Finds tasks that ask for every permission. */
export function allPermissions(config: ProjectConfig): Violation[] {
  return Object.entries(config.tasks ?? {})
    .map(([name, task]) => ({ name, command: typeof task === "string" ? task : task.command }))
    .filter(({ command }) => /(^|\s)(-[a-zA-Z]*A[a-zA-Z]*|--allow-all)(\s|$)/.test(command))
    .map(({ name }) => `deno.json: the task "${name}" must name its permissions`);
}

/** Finds addresses of package registries: which one is used is for the machine to say. */
export function registryHosts(files: readonly SourceFile[]): Violation[] {
  return files.filter(({ path }) => !path.endsWith("deno.lock"))
    .flatMap(({ path, text }) => {
      const found = REGISTRY_HOST.exec(text);
      return found === null ? [] : [`${path}: names a package registry's host: ${found[0]}`];
    });
}

/** Finds shaders that no TypeScript file imports. */
export function orphanShaders(files: readonly SourceFile[]): Violation[] {
  const imported = new Set(
    files.flatMap(({ path, imports }) =>
      imports.filter(isRelative).map((specifier) => resolve(path, specifier))
    ),
  );
  return files.filter(({ path }) => path.endsWith(".wgsl") && !imported.has(path))
    .map(({ path }) => `${path}: no .ts file imports this shader`);
}
