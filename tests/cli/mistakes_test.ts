import assert from "node:assert/strict";
import { refusal, succeed, withBars } from "./command.ts";

Deno.test("commands answer unknown names with what is known and a near match", async () => {
  const near = [
    [
      ["sweep", "bit_widht"],
      /^Cannot find experiment "bit_widht": .*: did you mean "bit_width"\?$/,
    ],
    [
      ["sweep", "ptq_method"],
      /known are .*ptq_methods, .*octization_regression, hyperparameters: did you mean "ptq_methods"/,
    ],
    [["sweep", "hyperparameter"], /^Cannot find experiment .*: did you mean "hyperparameters"\?$/],
    [["sweep", "--model", "fc_n"], /^Cannot find model "fc_n": .*: did you mean "fc_nn"\?$/],
    [["sweep", "--dataset", "mnits"], /^Cannot find data set "mnits": .*: did you mean "mnist"\?$/],
    [
      ["train", "--output", "x", "--optimizer", "adma"],
      /^Cannot find optimizer "adma": .*"adam"\?$/,
    ],
    [["data", "fashion-mnits"], /^Cannot find data set .*: did you mean "fashion-mnist"\?$/],
    [["verify", "reluu"], /^Cannot find kernel "reluu": .*: did you mean "relu"\?$/],
    [["sweep", "--sedes", "3"], /^error: unknown option '--sedes' \(Did you mean --seeds\?\)$/],
    [["evaluate", "x", "--modle", "cnn"], /unknown option '--modle' \(Did you mean --model\?\)$/],
  ] as const;
  for (const [[task, ...args], words] of near) assert.match(await refusal(task, ...args), words);
});

Deno.test("commands refuse numbers that make no sense, and missing arguments", async () => {
  const refused = [
    [["sweep", "--seeds", "0"], /^Cannot use seeds 0: it must be a whole number from 1 to \d+$/],
    [["sweep", "--seeds", "x"], /^Cannot use seeds x: /],
    [["sweep", "--seeds", "1e99"], /^Cannot use seeds 1e99: /],
    [["sweep", "--epochs", "1.5"], /^Cannot use epochs 1\.5: /],
    [["sweep", "--model", "resnet20:16"], /^Cannot use the widths 16 of resnet20: its sizes are /],
    [["sweep", "--model", "fc_nn:64-0"], /^Cannot use a width of 0: /],
    [["train", "--output", "x", "--learning-rate", "-1"], /^Cannot use a learning rate of -1: /],
    [["train", "--output", "x", "--seed", "4294967296"], /^Cannot use seed .* 0 to 4294967295$/],
    [["train", "--output", "x", "--ema", "1"], /^Cannot use a decay of 1: .* 0 to less than 1$/],
    [["train", "--output", "x", "--weight-decay", "x"], /^Cannot use a weight decay of x: /],
    [["train", "--output", "x", "--augment", "flop"], /^Cannot augment images by "flop": /],
    [["train", "--output", "x", "--momentum", "0.5"], /^Cannot use --momentum: .* found adam$/],
    [["train", "--output", "x", "--weight-bits", "2"], /--quantize must say how: it is left out$/],
    [
      ["train", "--output", "x", "--quantize", "lsq"],
      /^Cannot use --quantize lsq: --weight-bits, /,
    ],
    [["train", "--output", "x", "--distill"], /^Cannot use --distill: a teacher must be given by /],
    [
      ["train", "--output", "x", "--quantize", "dorefa", "--weight-bits", "ternary"],
      /^Cannot use --weight-bits ternary: --quantize must be lsq, lsq_plus or magnitude: /,
    ],
    [
      [
        "train",
        "--output",
        "x",
        "--quantize",
        "lsq",
        "--weight-bits",
        "2",
        "--progressive",
        "2:10",
      ],
      /^Cannot train under quantization: falling bit-widths must begin above those of a grid of /,
    ],
    [["train"], /required option '--output <file>' not specified$/],
    [["evaluate"], /missing required argument 'file'$/],
    [["sweep", "--seeds"], /option '--seeds <n>' argument missing$/],
    [["sweep", "hyperparameters", "--seeds", "2"], /judged on images held out: leave out --seeds$/],
    [["sweep", "hyperparameters", "bit_width"], /: hyperparameters is run alone$/],
    [["sweep", "hyperparameters", "--search", "gird"], /"gird".*"grid"/],
    [
      ["sweep", "bit_width", "--search", "grid"],
      /^Cannot use --search grid: .*hyperparameters alone$/,
    ],
    [["sweep", "octization_regression", "bit_width"], /: octization_regression is run alone$/],
    [["sweep", "octization_regression", "--model", "fc_nn"], /keeps no store: leave out --model$/],
    [
      ["sweep", "hyperparameters", "--only", "bits=2"],
      /judged on images held out: leave out --only$/,
    ],
    [["sweep", "octization_regression", "--only", "bits=2"], /keeps no store: leave out --only$/],
    [["sweep", "qat", "--only", "bits"], /^Cannot use --only bits: it must be AXIS=VALUE,/],
    [
      ["sweep", "qat", "--only", "bit=2"],
      /^Cannot find axis of qat "bit": .*did you mean "bits"\?$/,
    ],
    [["sweep", "--images", "0"], /^Cannot use images 0: /],
    [["sweep", "--checkpoint", "none"], /^Cannot read .*none: ENOENT/],
  ] as const;
  for (const [[task, ...args], words] of refused) assert.match(await refusal(task, ...args), words);
});

Deno.test("commands refuse a model that does not fit the data set, before any work", async () => {
  const words = "Cannot use CNN 3-32-64, fc 64-10: it is made for images of 3 x 32 x 32 in 10 " +
    "classes: the data set has images of 1 x 28 x 28 in 10 classes";
  const model = ["--model", "cnn_282k", "--dataset", "mnist"];
  assert.equal(await refusal("train", "--output", "x", ...model), words);
  assert.equal(await refusal("evaluate", "no such file", ...model), words);
  assert.equal(await refusal("sweep", "bit_width", ...model), words);
});

Deno.test("sweep of experiments on different data sets checks each against its own", async () => {
  const names = ["bit_width", "generalisation", "octization_program_cifar10"];
  const { stdout } = await succeed("sweep", ...names, "--dry-run");
  for (const name of names) assert.match(stdout, new RegExp(`^${name}: \\d+ points`, "m"));
});

Deno.test("commands say which file of a data set is cut, and where", () =>
  withBars(async (folder, bars) => {
    const path = `${bars}/train-images-idx3-ubyte`;
    await Deno.truncate(path, 300_000);
    const words = `Cannot decode "${path}": `;
    const calls = [
      ["sweep", "bit_width", "--seeds", "1", "--out", `${folder}/out`],
      ["train", "--output", `${folder}/out/m.safetensors`],
      ["data", bars],
    ];
    for (const [task, ...args] of calls) {
      const dataset = task === "data" ? [] : ["--dataset", bars];
      const line = await refusal(task, ...args, ...dataset);
      assert.ok(line.startsWith(words), line);
      assert.match(line, /\b300000\b/, "the bytes that are there");
      assert.match(line, /\b501776\b/, "the bytes that should be");
    }
    const none = await refusal("sweep", "--dataset", `${folder}/none`);
    assert.match(none, /^Cannot read a data set from .*none": expected .*: found no such folder$/);
  }));

Deno.test("commands refuse outputs that cannot be written before they compute", () =>
  withBars(async (folder, bars) => {
    const file = `${bars}/t10k-labels-idx1-ubyte`;
    const before = await Deno.readFile(file);
    const under = await refusal("sweep", "--dataset", bars, "--out", `${file}/out`);
    assert.match(under, /^Cannot write results to .*: it must be a folder with room for \d+ MiB: /);
    assert.match(await refusal("sweep", "--dataset", bars, "--out", file), /^Cannot write results/);
    const checkpoint = await refusal("train", "--dataset", bars, "--output", folder);
    assert.match(
      checkpoint,
      /^Cannot write a checkpoint to .*: it must be a file: found a folder$/,
    );
    assert.deepEqual(await Deno.readFile(file), before);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["bars"]);
  }));

Deno.test("sweep refuses a store that is no database of ours, and leaves it alone", () =>
  withBars(async (folder, bars) => {
    const store = `${folder}/bitcliff.sqlite`;
    await Deno.writeTextFile(store, "my notes, which are no database at all\n".repeat(100));
    const before = await Deno.readFile(store);
    const line = await refusal("sweep", "--dataset", bars, "--out", folder);
    assert.ok(line.startsWith(`Cannot open the run store ${store}: `), line);
    assert.deepEqual(await Deno.readFile(store), before);
  }));

Deno.test("sweep --dry-run says what would be measured and writes nothing", () =>
  withBars(async (folder, bars) => {
    const dry = ["--dataset", bars, "--seeds", "2", "--out", `${folder}/out`, "--dry-run"];
    const { stdout, stderr } = await succeed("sweep", ...dry);
    assert.equal(stderr, "");
    assert.match(stdout, /^bit_width_bars: 45 points x 2 seeds, 90 trials$/m);
    assert.match(stdout, /^wavelet_threshold_bars: 78 points x 2 seeds, 156 trials$/m);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["bars"]);
  }));

Deno.test("data lists the files of a folder with their digests; verify gives its rows as JSON", () =>
  withBars(async (_folder, bars) => {
    const { stdout } = await succeed("data", bars);
    assert.match(
      stdout,
      /│ +640 │ +320 │ 1 x 28 x 28 │ train-images-idx3-ubyte +│ +501776 │ [0-9a-f]{64} │/,
    );
    assert.equal(stdout.match(/\b[0-9a-f]{64}\b/g)?.length, 4);
    const verified = JSON.parse((await succeed("verify", "relu", "--json")).stdout);
    assert.equal(typeof verified.adapter.name, "string");
    const kernels = verified.rows.map(({ kernel }: { kernel: string }) => kernel);
    assert.deepEqual(kernels, ["relu.forward", "relu.backward"]);
    for (const { cases, elements, worst, complaint } of verified.rows) {
      assert.ok(cases > 0 && elements > 0 && worst <= 1);
      assert.equal(complaint, undefined);
    }
  }));

Deno.test("evaluate and sweep refuse more test images than there are", () =>
  withBars(async (folder, bars) => {
    const many = ["--model", "fc_nn:12", "--dataset", bars, "--images", "20000"];
    const words = /^Cannot judge on 20000 images: the test set of bars has 320$/;
    assert.match(await refusal("evaluate", `${folder}/m.safetensors`, ...many), words);
    assert.match(await refusal("sweep", "bit_width", ...many, "--out", `${folder}/out`), words);
  }));
