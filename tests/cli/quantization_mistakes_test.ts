import assert from "node:assert/strict";
import { encodeNetwork } from "../../training/mod.ts";
import { fcNN, initialParameters } from "../../models/mod.ts";
import { refusal, withBars } from "./command.ts";

const model = fcNN({ hidden: [12] });

/** Writes a network, with one value of a tensor replaced if that is asked for. */
async function writeNetwork(path: string, tensor = "fc1.weight", value?: number): Promise<void> {
  const parameters = initialParameters(model, 1);
  if (value !== undefined) parameters[tensor][11] = value;
  const metadata = { seed: "1", steps: "1" };
  await Deno.writeFile(path, encodeNetwork(model, { parameters, state: {}, metadata }));
}

Deno.test("inspect refuses grids that no weight can have, and says which weight it is", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    await writeNetwork(path);
    const set = ["--model", "fc_nn:12", "--dataset", bars, "--out", `${folder}/out`];
    assert.equal(
      await refusal("inspect", path, "affine:bits=4,group=5", ...set),
      'Cannot quantize "fc1.weight" of shape [12, 784] in groups of 5: a group must divide a row of 784',
    );
    // known from the words alone: before the data set, which is not there, is looked for
    const nowhere = set.with(3, "mnist").concat("--data", `${folder}/none`);
    assert.equal(
      await refusal("inspect", path, "affine:bits=1,symmetric", ...nowhere),
      "Cannot quantize: a symmetric grid needs 2 bits or more, as its zero point would be 0.5: 1: " +
        "affine:bits=1,symmetric",
    );
    const unknown = /^Cannot find quantization "round": known are affine, powersOfTwo, /;
    assert.match(await refusal("inspect", path, "round:bits=4", ...nowhere), unknown);
    assert.match(await refusal("inspect", "round:bits=4", path, ...nowhere), unknown);
  }));

Deno.test("commands refuse a checkpoint with NaN before they compute, with the tensor's name", () =>
  withBars(async (folder, bars) => {
    const [path, good] = [`${folder}/nan.safetensors`, `${folder}/good.safetensors`];
    await writeNetwork(path, "fc2.weight", NaN);
    await writeNetwork(good);
    const words = `Cannot load "${path}" as FC_NN 784-12-10: every value must be finite: ` +
      "fc2.weight[11] is NaN";
    const set = ["--model", "fc_nn:12", "--dataset", bars];
    const out = ["--out", `${folder}/out`];
    const calls = [
      ["inspect", path, "affine:bits=8", ...set, ...out],
      ["inspect", good, path, ...set, ...out],
      ["evaluate", path, ...set],
      ["sweep", "bit_width", "--checkpoint", path, ...set, ...out],
      ["train", "--from", path, "--output", `${folder}/t.safetensors`, "--epochs", "1", ...set],
    ];
    for (const [task, ...args] of calls) assert.equal(await refusal(task, ...args), words);
    const wide = `${folder}/wide.safetensors`;
    await writeNetwork(wide, "fc1.bias", 3e38);
    for (const method of ["affine", "gptq"]) {
      assert.match(
        await refusal("inspect", wide, `${method}:bits=8,activations`, ...set, ...out),
        /^Cannot quantize values of "fc2" from 0 to 3\S+: the range must be finite and at most 2\^120 wide$/,
      );
    }
  }));
