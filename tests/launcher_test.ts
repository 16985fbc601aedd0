import assert from "node:assert/strict";
import { type BareMachine, bareMachine, fakeDeno, shell } from "./support/bare_machine.ts";

const root = new URL("../", import.meta.url);
const launcher = await Deno.readTextFile(new URL("bitcliff", root));
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));

/** An npm that puts `body` as the Deno of a platform package where npm would. */
function fakeNpm(body: string): string {
  return `echo call >> "$HOME/npm calls"
while [ $# -gt 0 ]; do [ "$1" = --prefix ] && prefix=$2; shift; done
mkdir -p "$prefix/node_modules/@deno/linux-x64-glibc"
cat > "$prefix/node_modules/@deno/linux-x64-glibc/deno" <<'DENO'
#!/bin/sh
${body}
DENO`;
}

/** A machine that has Deno and a Vulkan driver, before `change`. */
async function machine(change?: (machine: BareMachine) => Promise<void>): Promise<BareMachine> {
  const made = await bareMachine(launcher);
  await made.program("deno", fakeDeno("2.9.6"));
  await made.program("id", "echo 1000");
  await change?.(made);
  return made;
}

/** A driver named by a variable, so that the machine the test runs on does not matter. */
function driver(machine: BareMachine): Record<string, string> {
  return { VK_DRIVER_FILES: `${machine.folder}/deno.json` };
}

const withoutDeno = (machine: BareMachine) => Deno.remove(`${machine.folder}/bin/deno`);
const lines = (text: string) => text.split("\n").filter((line) => line !== "");

Deno.test("bitcliff lists every task with its description, without Deno", async () => {
  await using bare = await machine(withoutDeno);
  for (const args of [[], ["--help"]]) {
    const { code, stdout, stderr } = await bare.start(args);
    assert.equal(code, 0, stderr);
    for (const [name, { description }] of Object.entries<{ description: string }>(tasks)) {
      assert.match(stdout, new RegExp(`^  ${name} +${description}$`, "m"));
    }
  }
});

Deno.test("bitcliff answers an unknown task with a near match on one line and code 2", async () => {
  await using bare = await machine();
  const near = await bare.start(["swep"]);
  assert.equal(near.code, 2);
  assert.equal(lines(near.stderr).length, 1);
  assert.match(near.stderr, /cannot find task "swep": known are sweep, .*did you mean "sweep"\?$/m);
  const far = await bare.start(["--quantum"]);
  assert.equal(far.code, 2);
  assert.doesNotMatch(far.stderr, /did you mean/);
});

Deno.test("bitcliff hands task and arguments to Deno as they are, silently, from anywhere", async () => {
  await using bare = await machine();
  await Deno.symlink("../bitcliff", `${bare.folder}/elsewhere/a link`);
  const starts = [
    { path: `${bare.folder}/bitcliff`, cwd: bare.folder },
    { path: "../bitcliff", cwd: `${bare.folder}/elsewhere` },
    { path: `${bare.folder}/elsewhere/a link`, cwd: "/" },
    { path: "a link", cwd: `${bare.folder}/elsewhere` },
  ];
  for (const start of starts) {
    const env = driver(bare);
    const { code, stdout, stderr } = await bare.start(["sweep", "a b", "--seeds", ""], {
      ...start,
      env,
    });
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const config = `${bare.folder}/deno.json`;
    const call = `call: [task] [--quiet] [--config] [${config}] [sweep] [a b] [--seeds] []`;
    assert.equal(lines(stdout)[0], call);
  }
});

Deno.test({
  name: "bitcliff sets the environment of WebGPU and Mesa, and leaves what is set",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using bare = await machine();
    const cache = `${bare.folder}/home/.cache/bitcliff`;
    const { stdout } = await bare.start(["sweep"], { env: driver(bare) });
    assert.match(stdout, /^backend: vulkan$/m);
    assert(stdout.includes(`runtime: ${cache}/runtime\nshaders: ${cache}/shaders\n`), stdout);
    assert.equal((await Deno.stat(`${cache}/runtime`)).mode! & 0o777, 0o700);
    const own = { DENO_WEBGPU_BACKEND: "gl", XDG_RUNTIME_DIR: "/a", MESA_SHADER_CACHE_DIR: "/b" };
    const kept = await bare.start(["sweep"], { env: { ...driver(bare), ...own } });
    assert.match(kept.stdout, /^backend: gl\nruntime: \/a\nshaders: \/b$/m);
  },
});

Deno.test("bitcliff gets Deno by npm where there is none or an old one, and only once", async () => {
  for (const change of [withoutDeno, (m: BareMachine) => m.program("deno", fakeDeno("2.8.9"))]) {
    await using bare = await machine(change);
    await bare.program("npm", fakeNpm(fakeDeno("2.9.6")));
    const first = await bare.start(["check"]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /getting Deno \d.* by npm.*\n.*installed Deno \d.* in \.tools/);
    assert(first.stdout.includes(`first on the PATH: ${bare.folder}/.tools\n`), first.stdout);
    const second = await bare.start(["check"]);
    assert.deepEqual([second.code, second.stderr], [0, ""]);
    assert.equal(await Deno.readTextFile(`${bare.folder}/home/npm calls`), "call\n");
  }
});

Deno.test("bitcliff killed while it installs leaves nothing that counts as Deno", async () => {
  await using bare = await machine(withoutDeno);
  await bare.program("npm", `${fakeNpm(fakeDeno("2.9.6"))}\nkill -9 $PPID; sleep 0.2`);
  const killed = await bare.start(["check"]);
  assert.notEqual(killed.code, 0);
  assert.equal(killed.stdout, "");
  const left = [...Deno.readDirSync(`${bare.folder}/.tools`)].map(({ name }) => name);
  assert(!left.includes("deno"), left.join(", "));
  await bare.program("npm", fakeNpm(fakeDeno("2.9.6")));
  const second = await bare.start(["check"]);
  assert.equal(second.code, 0, second.stderr);
});

Deno.test("bitcliff turns to Deno's own installer where npm brings no working Deno", async () => {
  await using bare = await machine(withoutDeno);
  await bare.program("npm", fakeNpm("exit 1"));
  await bare.program(
    "curl",
    `cat <<'SCRIPT'
echo "$1" > "$HOME/version"
mkdir -p "$DENO_INSTALL/bin" && cp "$HOME/real deno" "$DENO_INSTALL/bin/deno"
SCRIPT`,
  );
  await Deno.writeTextFile(`${bare.folder}/home/real deno`, `#!/bin/sh\n${fakeDeno("2.9.6")}\n`);
  const { code, stderr } = await bare.start(["check"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /by npm.*\n.*by its own installer.*\n.*installed Deno/);
  assert.match(await Deno.readTextFile(`${bare.folder}/home/version`), /^v\d+\.\d+\.\d+\n$/);
});

Deno.test("bitcliff says in one line what to do where Deno cannot be had", async () => {
  await using bare = await machine(withoutDeno);
  const { code, stderr } = await bare.start(["check"]);
  assert.equal(code, 1);
  assert.equal(lines(stderr).length, 1);
  assert.match(stderr, /install Deno 2\.9 or newer .* and put it on the PATH/);
  assert.deepEqual([...Deno.readDirSync(`${bare.folder}/.tools`)].map(({ name }) => name), [
    "install.log",
  ]);
});

Deno.test("bitcliff installs Mesa's driver as root, refreshing the package lists if it must", async () => {
  await using bare = await machine();
  await bare.program("uname", "echo Linux");
  await bare.program("id", "echo 0");
  await bare.program(
    "apt-get",
    `echo "$*" >> "$HOME/apt calls"
if [ "$1" = update ]; then touch "$HOME/updated"; exit 0; fi
[ -e "$HOME/updated" ] || exit 100
mkdir -p "$BITCLIFF_SYSTEM_ROOT/usr/share/vulkan/icd.d" "$BITCLIFF_SYSTEM_ROOT/usr/lib/any"
touch "$BITCLIFF_SYSTEM_ROOT/usr/share/vulkan/icd.d/lvp_icd.json"
touch "$BITCLIFF_SYSTEM_ROOT/usr/lib/any/libvulkan.so.1"`,
  );
  const env = { BITCLIFF_SYSTEM_ROOT: `${bare.folder}/system` };
  const first = await bare.start(["sweep"], { env });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /no Vulkan driver: installing .*mesa-vulkan-drivers.*\n.*installed/);
  const install = "install -y --no-install-recommends libvulkan1 mesa-vulkan-drivers";
  const calls = await Deno.readTextFile(`${bare.folder}/home/apt calls`);
  assert.deepEqual(lines(calls), [install, "update", install]);
  assert.equal((await bare.start(["sweep"], { env })).stderr, "");
});

Deno.test("bitcliff prints the one command where it may not install a driver, and goes on", async () => {
  await using bare = await machine();
  await bare.program("uname", "echo Linux");
  await bare.program("apt-get", 'touch "$HOME/called"');
  await bare.program("sudo", "exit 1");
  const env = { BITCLIFF_SYSTEM_ROOT: `${bare.folder}/system` };
  const { code, stdout, stderr } = await bare.start(["sweep"], { env });
  assert.equal(
    stderr,
    "bitcliff: no Vulkan driver: install one with: sudo apt-get install -y libvulkan1 mesa-vulkan-drivers\n",
  );
  assert.equal(code, 0);
  assert.match(stdout, /^call:/);
  await assert.rejects(Deno.stat(`${bare.folder}/home/called`), Deno.errors.NotFound);
  assert.equal((await bare.start(["check"], { env })).stderr, "", "check opens no device");
});

Deno.test("bitcliff says that VK_DRIVER_FILES leads nowhere, and asks nothing on macOS", async () => {
  await using bare = await machine();
  await bare.program("uname", "echo Linux");
  const env = { VK_DRIVER_FILES: "/no/a.json:/no/b.json" };
  assert.match((await bare.start(["sweep"], { env })).stderr, /VK_DRIVER_FILES names no file/);
  await bare.program("uname", "echo Darwin");
  const { stdout, stderr } = await bare.start(["sweep"], { env });
  assert.equal(stderr, "");
  assert.match(stdout, /^backend: $/m);
});

const shellcheck = (await shell(["-c", "command -v shellcheck"])).code === 0;

Deno.test({
  name: `shell scripts pass shellcheck${
    shellcheck ? "" : " (skipped: shellcheck is not installed)"
  }`,
  ignore: !shellcheck,
  async fn() {
    const { stdout } = await shell(["-c", "shellcheck bitcliff .ci/run"], { cwd: root });
    assert.equal(stdout, "");
  },
});
