import assert from "node:assert/strict";
import type { ComparedTensor } from "../../experiments/mod.ts";
import { encodeNetwork } from "../../training/mod.ts";
import { fcNN, initialParameters, type Model } from "../../models/mod.ts";
import { refusal, succeed, withBars } from "./command.ts";

const model = fcNN({ hidden: [12] });

async function writeNetwork(path: string, of: Model, seed: number): Promise<void> {
  const parameters = initialParameters(of, seed);
  await Deno.writeFile(path, encodeNetwork(of, { parameters, state: {}, metadata: {} }));
}

/** Rows of a CSV as objects. */
async function readCsv(path: string): Promise<Record<string, string>[]> {
  const [head, ...rows] = (await Deno.readTextFile(path)).trimEnd().split("\r\n");
  const names = head.split(",");
  return rows.map((row) => {
    const cells = row.split(",");
    return Object.fromEntries(names.map((name, i) => [name, cells[i]]));
  });
}

Deno.test("inspect shows the tensors of a file, as a table and as JSON", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    await writeNetwork(path, model, 1);
    const { stdout } = await succeed("inspect", path);
    assert.match(stdout, /│ fc1\.weight +│ 12 x 784 +│ +9,408 │ +-0\.0357\d │ .* 0 of 12 │/);
    const words = `${path}: 9,550 values in 4 tensors, 38,200 bytes; file `;
    assert.ok(stdout.includes(words), stdout);
    const named = ["--model", "fc_nn:12", "--dataset", bars];
    const checked = (await succeed("inspect", path, ...named)).stdout;
    assert.ok(checked.includes(`${path}: FC_NN 784-12-10, 2 layers, 9,550 values`), checked);
    assert.ok(checked.indexOf("fc1.weight") < checked.indexOf("fc1.bias"), "the model's order");
    const json = JSON.parse((await succeed("inspect", path, "--json")).stdout);
    assert.equal(json.bytes, (await Deno.stat(path)).size);
    assert.deepEqual(json.tensors[1].shape, [12, 784]);

    const misfit = await refusal("inspect", path, "--model", "fc_nn:13");
    assert.match(misfit, /^Cannot load ".*" as FC_NN 784-13-10: .*fc1\.weight \[13,784\] is F32 /);
    await Deno.truncate(path, 5000);
    assert.match(await refusal("inspect", path), /^Cannot decode ".*m\.safetensors": .*\b5000\b/);
  }));

Deno.test("inspect --octal shows the bytes of a file's weights in base 8 and otherwise", () =>
  withBars(async (folder) => {
    const path = `${folder}/m.safetensors`;
    await writeNetwork(path, model, 1);
    const { stdout } = await succeed("inspect", path, "--octal");
    // 9,528 weights of 3 digits and a sign, or 8 bits and a sign
    assert.match(stdout, /│ 8 bits, toward zero │ +[\d,]+ │ +[\d,]+ │ +11,910 │ +10,719 │/);
    assert.match(stdout, /│ 3 bits, nearest +│ +[\d,]+ │ +[\d,]+ │ +4,764 │ +4,764 │/);
    assert.ok(stdout.includes(`\n${path}: bytes of 9,528 weights at 1 / (2^b - 1), `), stdout);
    const { octal } = JSON.parse((await succeed("inspect", path, "--octal", "--json")).stdout);
    assert.equal(octal[0].plainBits, 10_719);
    assert.match(
      await refusal("inspect", path, "ternary", "--octal"),
      /^Cannot use --octal: it is of one file: there is ternary beside .*m\.safetensors$/,
    );
  }));

Deno.test("inspect compares a network with a quantized form of itself", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    await writeNetwork(path, model, 1);
    const set = ["--model", "fc_nn:12", "--dataset", bars, "--images", "100", "--out"];
    const spec = "affine:bits=4,granularity=channel";
    const { stdout } = await succeed("inspect", path, spec, ...set, `${folder}/out`);
    assert.match(stdout, /^FC_NN 784-12-10 on 100 test images of bars, adapter: .+$/m);
    assert.match(stdout, /│ fc1 +│ input +│ +equal │ +0 │ +- │ +0 │ +0 │ +784 │/);
    assert.match(stdout, /│ fc1 +│ weight │ +\d\d\.\d │ +0\.00\d+ │ +0\.000 │ +0 │ +0 │ +12 │/);
    assert.match(stdout, /^A .*m\.safetensors: [\d.]+ %, loss [\d.]+$/m);
    assert.ok(stdout.includes(`\nB ${spec}: `), stdout);
    assert.match(stdout, /^\d+ of 100 predictions changed \([\d.]+ %\): \d+ right ones lost, /m);
    assert.match(stdout, /^first difference: weight of fc1$/m);
    const png = await Deno.readFile(`${folder}/out/comparison.png`);
    assert.equal(new TextDecoder().decode(png.subarray(1, 4)), "PNG");
    const rows = await readCsv(`${folder}/out/comparison.csv`);
    assert.deepEqual(
      rows.map(({ layer, tensor }) => `${layer} ${tensor}`),
      ["fc1", "fc2"].flatMap((layer) =>
        ["input", "weight", "bias", "output"].map((tensor) => `${layer} ${tensor}`)
      ),
    );
    assert.equal(rows[0].signalToNoise, "inf");
    const decibels = Number(rows[1].signalToNoise);
    assert.ok(decibels > 15 && decibels < 25, `4 bits of uniform weights: ${decibels} dB`);

    const quantized = [`${path}@${spec},activations=3`, "--json"];
    const json = JSON.parse(
      (await succeed("inspect", path, ...quantized, ...set, `${folder}/json`)).stdout,
    );
    assert.deepEqual(json.first, { layer: "fc1", part: "input" });
    assert.deepEqual(json.remarks, {
      a: [],
      b: [
        "all layers of FC_NN 784-12-10: ranges of inputs were found on 640 images instead of 2,048",
      ],
    });
    assert.doesNotMatch(stdout, /ranges of inputs/, "weights alone need no images");
    assert.equal(json.tensors.length, 8);
    const bias = json.tensors.find(({ part }: { part: string }) => part === "bias");
    assert.equal(bias.signalToNoise, "inf", "JSON has no infinity, and null could be anything");
    assert.equal(json.images, 100);
    assert.equal(json.b.correct / 100, json.b.accuracy);
    assert.ok(json.tensors[0].clipped >= 0 && json.tensors[3].clipped === undefined);
  }));

Deno.test("inspect compares a network with what a post-training method makes of it", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    await writeNetwork(path, model, 1);
    const set = ["--model", "fc_nn:12", "--dataset", bars, "--out", `${folder}/out`];
    const { stdout } = await succeed("inspect", path, "gptq:bits=3,images=600", ...set);
    assert.match(stdout, /│ fc1 +│ weight │ +\d+\.\d │/);
    assert.match(stdout, /^first difference: weight of fc1$/m);
    assert.match(stdout, /^B calibrated on the first 600 training images$/m);
    const corrected =
      (await succeed("inspect", path, "bias_correction:bits=3,images=600", ...set)).stdout;
    assert.match(corrected, /│ fc1 +│ bias +│ +-?\d+\.\d │/);
    assert.doesNotMatch(corrected, /Hessian/, "means are enough");
    const few = /^B fc1: 600 samples for 784 inputs: the Hessian is not of full rank$/m;
    assert.match(stdout, few);
    // remarks stand beneath the table
    assert.ok(stdout.search(few) > stdout.lastIndexOf("└"));

    const json = JSON.parse(
      (await succeed("inspect", `${path}@hqq:bits=3`, "second_order:bits=2", ...set, "--json"))
        .stdout,
    );
    assert.deepEqual(json.remarks.a, []);
    assert.equal(json.remarks.b[0], "calibrated on the first 640 training images");
    assert.match(json.remarks.b[1], /^fc1: 640 samples for 784 inputs: /);
    assert.match(
      await refusal("inspect", path, "gptq:bits=3,images=641", ...set),
      /^Cannot calibrate gptq: 641 images were asked for: the training set has 640$/,
    );
  }));

Deno.test("inspect shows a network that was trained under quantization as it computes", () =>
  withBars(async (folder, bars) => {
    const [float, aware] = ["float", "aware"].map((name) => `${folder}/${name}.safetensors`);
    const set = ["--model", "fc_nn:12", "--dataset", bars];
    await writeNetwork(float, model, 1);
    const bits = ["--weight-bits", "2", "--activation-bits", "3"];
    const start = ["--epochs", "1", "--from", float, "--output", aware];
    await succeed("train", ...set, "--quantize", "lsq_plus", ...bits, ...start);
    const evaluated = JSON.parse((await succeed("evaluate", aware, ...set, "--json")).stdout);

    const pair = ["inspect", float, aware, ...set, "--out", `${folder}/out`];
    const json = JSON.parse((await succeed(pair[0], ...pair.slice(1), "--json")).stdout);
    assert.deepEqual([json.b.correct, json.b.accuracy], [evaluated.correct, evaluated.accuracy]);
    assert.deepEqual(json.first, { layer: "fc1", part: "weight" });
    assert.deepEqual(json.remarks, {
      a: [],
      b: ["trained under quantization: FC_NN 784-12-10 (weights 2, inputs 3, image float)"],
    });
    const of = (layer: string, part: string) =>
      json.tensors.find((one: ComparedTensor) => one.layer === layer && one.part === part);
    assert.ok(of("fc1", "weight").signalToNoise < 15, "2 bits, not the float32 shadow weights");
    assert.equal(of("fc1", "input").clipped, undefined, "images stay float32");
    assert.ok(of("fc2", "input").clipped > 0, "the learned range leaves out the largest values");
    assert.equal(typeof of("fc1", "weight").clipped, "number", "the learned grids are known");
    assert.ok((await Deno.stat(`${folder}/out/comparison.png`)).size > 1000);

    const one = (await succeed("inspect", aware, ...set)).stdout;
    assert.match(one, /│ fc2\.input\.offset +│/);
    assert.match(one, /^trained under quantization: weights are the float32 ones /m);
    assert.match(
      await refusal("inspect", aware, "--octal"),
      /^Cannot write .* in base 8: the network must be float32: it was trained under quantization$/,
    );
    assert.match(
      await refusal("inspect", aware, "ternary", ...set, "--out", `${folder}/out`),
      /^Cannot quantize ternary: the network must be float32: it was trained under quantization$/,
    );
  }));

Deno.test("inspect refuses what cannot be compared on one line", () =>
  withBars(async (folder, bars) => {
    const [path, wider, none] = ["m", "wider", "none"].map((name) =>
      `${folder}/${name}.safetensors`
    );
    await writeNetwork(path, model, 1);
    await writeNetwork(wider, fcNN({ hidden: [13] }), 1);
    const set = ["--model", "fc_nn:12", "--dataset", bars, "--out", `${folder}/out`];
    const refused = [
      [[path, wider], /^Cannot load ".*wider.*" as FC_NN 784-12-10: .*is F32 \[13,784\]/],
      [[path, none], /^Cannot read .*none\.safetensors: ENOENT/],
      [[none], /^Cannot read .*none\.safetensors: ENOENT/],
      [[path, "affine:bits=40"], /^Cannot quantize: bits must be a whole number from 1 to 16: 40$/],
      [[path, "affine:bits=1,symmetric"], /^Cannot .*symmetric/],
      [[path, "affine:bits=4,narrow"], /^Cannot .*narrow/],
      [[path, "lloydMax:bits=2,group=7"], /^Cannot quantize: lloydMax grids: /],
      [
        [path, "affine:bits=4,group=5"],
        /^Cannot quantize "fc1\.weight" of shape \[12, 784\] in groups of 5: a group must divide a row of 784$/,
      ],
      [["ternary", path], /^Cannot inspect ternary: the first network must be a file, or FILE@/],
      [["ternary"], /^Cannot inspect ternary: .*: only one is named$/],
      [[path, "ternary", "--images", "0"], /^Cannot use images 0: /],
      [
        [path, "ternary", "--images", "20000"],
        /^Cannot judge on 20000 images: the test set of bars has \d+$/,
      ],
      [[path, "ternary", "--dataset", "cifr10"], /^Cannot find data set "cifr10": .*"cifar10"\?$/],
      [[path, "ternary", "--model", "cnn_282k", "--dataset", "mnist"], /^Cannot use CNN 3-32-64, /],
      [[path, "ternary", "--out", path], /^Cannot write results to .*m\.safetensors: /],
    ] as const;
    for (const [args, words] of refused) {
      const given: readonly string[] = args;
      const rest = set.filter((_, i) => !given.includes(set[i - i % 2]));
      assert.match(await refusal("inspect", ...args, ...rest), words);
    }
  }));
