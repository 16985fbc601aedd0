/** What a command did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that stands for a machine: a copy of the launcher, a PATH of our own, a home. */
export interface BareMachine extends AsyncDisposable {
  /** The machine's folder; its name holds a space. */
  readonly folder: string;
  /** Puts a shell script on the machine's PATH. */
  program(name: string, script: string): Promise<void>;
  /** Runs the launcher, as `sh path arguments`, from `cwd`. */
  start(args: readonly string[], options?: StartOptions): Promise<Outcome>;
}

/** How the launcher is started. */
export interface StartOptions {
  /** Path of the launcher or of a link to it. */
  readonly path?: string;
  /** Folder it is started in. */
  readonly cwd?: string;
  /** Variables beside `PATH`, `HOME` and `TMPDIR`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What the launcher may take for granted on any machine. */
const STANDARD = [
  "awk basename cat chmod cp cut dirname env find grep mkdir mktemp mv paste readlink",
  "rm sed sh sleep touch uname",
].flatMap((line) => line.split(" "));

/** A script that answers as Deno would, and says how it was called and with which environment. */
export function fakeDeno(version: string): string {
  return `if [ "$1" = --version ]; then echo "deno ${version} (stable)"; exit 0; fi
printf 'call:'; for word in "$@"; do printf ' [%s]' "$word"; done; echo
echo "backend: \${DENO_WEBGPU_BACKEND-}"
echo "runtime: \${XDG_RUNTIME_DIR-}"
echo "shaders: \${MESA_SHADER_CACHE_DIR-}"
echo "first on the PATH: \${PATH%%:*}"`;
}

/**
 * Makes a machine with the standard tools, without Deno, npm, curl or a package manager.
 *
 * @param launcher Text of the launcher.
 * @returns The machine; disposing of it removes its folder.
 */
export async function bareMachine(launcher: string): Promise<BareMachine> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "bare machine " }));
  const bin = `${folder}/bin`;
  const path = `${folder}/bitcliff`;
  for (const name of ["bin", "home", "system", "elsewhere"]) await Deno.mkdir(`${folder}/${name}`);
  await Deno.writeTextFile(path, launcher, { mode: 0o755 });
  await Deno.copyFile(new URL("../../deno.json", import.meta.url), `${folder}/deno.json`);
  const program = (name: string, script: string): Promise<void> =>
    Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  // Scripts that call the real programs, never links to them: writing to a link would replace the
  // program of the machine that runs the test.
  const { stdout } = await shell(["-c", 'for t; do command -v "$t"; done', "sh", ...STANDARD]);
  for (const real of stdout.split("\n").filter((line) => line.startsWith("/"))) {
    await program(real.replace(/^.*\//, ""), `exec '${real}' "$@"`);
  }
  const start = (args: readonly string[], options: StartOptions = {}): Promise<Outcome> =>
    shell([options.path ?? path, ...args], {
      cwd: options.cwd ?? folder,
      env: { PATH: bin, HOME: `${folder}/home`, TMPDIR: folder, ...options.env },
    });
  return {
    folder,
    program,
    start,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Runs the shell; with `env`, in that environment only. */
export async function shell(
  args: readonly string[],
  options: { cwd?: string | URL; env?: Record<string, string> } = {},
): Promise<Outcome> {
  // By its path: a bare name would be looked up on the PATH in `env`, which tests may not run from.
  const command = new Deno.Command("/bin/sh", {
    args: [...args],
    ...options,
    clearEnv: options.env !== undefined,
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
