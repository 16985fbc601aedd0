import assert from "node:assert/strict";
import { cnn, fcNN, initialParameters } from "../../models/mod.ts";
import { encodeNetwork } from "../../training/mod.ts";

const root = new URL("../../", import.meta.url);

/** What the command says of a mistake, on one line. */
async function refusal(...args: string[]): Promise<string> {
  const permissions = ["--quiet", "--allow-read", "--allow-env"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: root,
    args: ["run", ...permissions, "bench/integer_agreement.ts", ...args],
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.equal(code, 2, said);
  assert.equal(stdout.length, 0);
  assert.match(said, /^[^\n]+\n$/);
  return said.trimEnd();
}

Deno.test("integer_agreement refuses no files, missing ones and broken networks on one line", async () => {
  assert.match(await refusal(), /^Cannot compare inference: .*: none is named$/);
  assert.equal(
    await refusal("--images", "some", "network.safetensors"),
    'Cannot compare inference: --images must be a whole number from 1: "some"',
  );
  assert.match(await refusal("--image"), /^Cannot compare inference: Unknown option '--image'/);
  assert.match(await refusal("no_such_file"), /^Cannot read no_such_file: ENOENT/);
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    for (const [model, weight] of [[fcNN(), "fc2.weight"], [cnn(), "conv1.weight"]] as const) {
      const parameters = initialParameters(model, 1);
      parameters[weight][7] = NaN;
      const path = `${folder}/${weight}.safetensors`;
      await Deno.writeFile(path, encodeNetwork(model, { parameters, state: {}, metadata: {} }));
      assert.equal(
        await refusal(path),
        `Cannot load "${path}" as ${model.title}: every value must be finite: ${weight}[7] is NaN`,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
