import assert from "node:assert/strict";
import { decodeSafetensors } from "../../formats/mod.ts";
import { bitcliff, command, refusal, succeed, until, withBars } from "./command.ts";

function trainArgs(bars: string, output: string, epochs: number): string[] {
  const size = ["--model", "fc_nn:32", "--batch-size", "64", "--epochs", `${epochs}`];
  return ["--dataset", bars, "--output", output, "--seed", "5", ...size, "--validate"];
}

/** Rows of a training curve, without the header. */
async function curveOf(path: string): Promise<string[][]> {
  const [header, ...rows] = (await Deno.readTextFile(path)).trimEnd().split("\r\n");
  assert.equal(header, "epoch,trainingLoss,validationLoss,validationAccuracy");
  return rows.map((row) => row.split(","));
}

async function metadataOf(path: string): Promise<Record<string, string>> {
  return { ...decodeSafetensors(await Deno.readFile(path), path).metadata };
}

Deno.test("train writes a checkpoint that evaluate measures and that fits no other model", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/new/m.safetensors`;
    const { stdout, stderr } = await succeed("train", ...trainArgs(bars, path, 10));
    assert.equal(stdout, `${path}\n`);
    assert.match(stderr, /^FC_NN 784-32-10 on bars, 534 images, 80 steps, adapter: .+$/m);
    assert.equal(stderr.match(/^epoch \d+ of 10: training loss [\d.]+, /gm)?.length, 10);
    const last = Number(/^epoch 10 of 10: .* accuracy ([\d.]+) %/m.exec(stderr)?.[1]);
    assert.ok(last > 90, `validation accuracy ${last} %`);
    const curve = await curveOf(`${folder}/new/m.curve.csv`);
    assert.deepEqual(curve.map(([epoch]) => Number(epoch)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal((100 * Number(curve[9][3])).toFixed(2), last.toFixed(2));
    assert.ok(Number(curve[9][1]) < Number(curve[0][1]) / 2, "the training loss falls");
    const png = await Deno.readFile(`${folder}/new/m.curve.png`);
    assert.deepEqual(
      [...png.subarray(1, 4)].map((byte) => String.fromCharCode(byte)).join(""),
      "PNG",
    );

    const fc32 = ["--dataset", bars, "--model", "fc_nn:32"];
    const json = JSON.parse((await succeed("evaluate", path, ...fc32, "--json")).stdout);
    assert.equal(json.path, path);
    assert.equal(json.count, 320);
    assert.equal(json.accuracy, json.correct / 320);
    assert.ok(json.accuracy > 0.9, `${json.accuracy}`);
    const percent = (100 * json.accuracy).toFixed(2);
    const line = (await succeed("evaluate", path, ...fc32)).stdout;
    const words = `${path}: FC_NN 784-32-10 on 320 test images of bars: ${percent} %, loss `;
    assert.ok(line.startsWith(words), line);
    const some = [...fc32, "--images", "100", "--json"];
    assert.equal(JSON.parse((await succeed("evaluate", path, ...some)).stdout).count, 100);

    const report = `${folder}/report`;
    const twice = await succeed("evaluate", path, path, ...fc32, "--report", report);
    assert.ok(twice.stdout.endsWith(`mean of 2: ${percent} +- 0.00 %\n`), twice.stdout);
    const page = await Deno.readTextFile(`${report}/report.md`);
    assert.match(page, /^# FC_NN 784-32-10 on bars$/m);
    assert.equal(page.match(/`deno task train [^`]*--seed 5[^`]*`/g)?.length, 2);
    const [head, first] = (await Deno.readTextFile(`${report}/results.csv`)).split("\r\n");
    const named = Object.fromEntries(head.split(",").map((key, i) => [key, first.split(",")[i]]));
    assert.equal(Number(named.accuracy), json.accuracy);

    const misfit = await refusal("evaluate", path, "--dataset", bars, "--model", "fc_nn:32-16");
    assert.ok(misfit.startsWith(`Cannot load "${path}" as FC_NN 784-32-16-10: `), misfit);
    assert.match(misfit, /: fc2\.weight \[16,32\] is F32 \[10,32\]; .*fc3\.bias \[10\] is missing/);
    const resumed = await refusal("train", ...trainArgs(bars, path, 10), "--resume", path);
    assert.match(resumed, /: steps must be left of 80: it has done 80$/);
    const other = trainArgs(bars, path, 20).with(5, "6");
    assert.equal(
      await refusal("train", ...other, "--resume", path),
      `Cannot resume from ${path}: options must be those of the checkpoint: --epochs 20 where it ` +
        "has 10, --seed 6 where it has 5",
    );
    const none = `${folder}/none.safetensors`;
    const absent = await refusal("train", ...trainArgs(bars, path, 10), "--resume", none);
    assert.ok(absent.startsWith(`Cannot resume from ${none}: ENOENT`), absent);
  }));

Deno.test("train killed after a checkpoint and resumed gives the bits of an uninterrupted training", () =>
  withBars(async (folder, bars) => {
    const [killed, whole] = [`${folder}/killed.safetensors`, `${folder}/whole.safetensors`];
    const random = ["--augment", "crop:2,flip,cutout:4", "--ema", "0.9", "--optimizer", "adamw"];
    const child = command("train", [...trainArgs(bars, killed, 30), ...random], "null").spawn();
    await until(() => Deno.stat(killed).then(() => true, () => false));
    child.kill("SIGKILL");
    await child.status;
    const { steps } = await metadataOf(killed);
    assert.ok(Number(steps) % 8 === 0 && Number(steps) < 240, `it had done ${steps} steps`);

    // all options are the checkpoint's
    const { stderr } = await succeed("train", "--output", killed, "--resume", killed);
    const first = /^epoch (\d+) of 30/m.exec(stderr)?.[1];
    assert.equal(Number(first), Number(steps) / 8 + 1, "it goes on where it stopped");
    await succeed("train", ...trainArgs(bars, whole, 30), ...random);
    for (const file of [".safetensors", ".curve.csv", ".curve.png"]) {
      const [here, there] = [`${folder}/killed${file}`, `${folder}/whole${file}`];
      assert.deepEqual(await Deno.readFile(here), await Deno.readFile(there), file);
    }
  }));

Deno.test("train that explodes says where on one line and writes no checkpoint", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    const args = [...trainArgs(bars, path, 1), "--learning-rate", "1e30"];
    const { code, stdout, stderr } = await bitcliff("train", ...args);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /\nCannot go on training: .* at step \d+, seed 5 .*is (NaN|-?Infinity)\n$/,
    );
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("train without --validate learns from all images; --test measures what is kept, once", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    const args = trainArgs(bars, path, 10).filter((arg) => arg !== "--validate");
    const { stdout, stderr } = await succeed("train", ...args, "--test");
    assert.match(stderr, /^FC_NN 784-32-10 on bars, 640 images, 100 steps, /m);
    assert.match(stderr, /^epoch 10 of 10: training loss [\d.]+, \d+ images\/s$/m);
    const cells = await curveOf(`${folder}/m.curve.csv`);
    assert.ok(cells.every(([, , ...validation]) => validation.join("") === ""));
    const { accuracy, loss } = JSON.parse(
      (await succeed("evaluate", path, "--dataset", bars, "--model", "fc_nn:32", "--json")).stdout,
    );
    const words = `${(100 * accuracy).toFixed(2)} %, loss ${loss.toFixed(4)}`;
    assert.equal(
      stdout,
      `${path}\n${path}: FC_NN 784-32-10 on 320 test images of bars: ${words}\n`,
    );
  }));

Deno.test("train with --patience stops when nothing becomes better, and keeps the best network", () =>
  withBars(async (folder, bars) => {
    const path = `${folder}/m.safetensors`;
    const best = `${folder}/m.best.safetensors`;
    const still = ["--optimizer", "sgd", "--learning-rate", "1e-30", "--patience", "2"];
    const { stdout, stderr } = await succeed("train", ...trainArgs(bars, path, 9), ...still);
    assert.equal(stdout, `${best}\n`);
    assert.match(stderr, /^epoch 3 of 9: .*\nstopped early: the best epoch is 1\n$/m);
    assert.equal((await curveOf(`${folder}/m.curve.csv`)).length, 3);
    assert.equal((await metadataOf(path)).steps, "24");
    assert.equal((await metadataOf(best)).steps, "8");
    assert.equal(
      await refusal("train", "--output", path, "--resume", path),
      `Cannot resume from ${path}: it must not have stopped early: found 3 epochs with a patience of 2`,
    );
  }));

Deno.test("train --quantize goes on from a float network under quantization, and evaluate knows it", () =>
  withBars(async (folder, bars) => {
    const [float, path] = [`${folder}/float.safetensors`, `${folder}/w2a2.safetensors`];
    await succeed("train", ...trainArgs(bars, float, 6));
    const bits = ["--weight-bits", "2", "--activation-bits", "2", "--image-bits", "4"];
    const quantize = ["--quantize", "lsq", ...bits, "--from", float, "--distill"];
    const { stderr } = await succeed("train", ...trainArgs(bars, path, 6), ...quantize);
    assert.match(stderr, /^FC_NN 784-32-10 \(weights 2, inputs 2, image 4\) on bars/m);
    // of the images that steps begin on
    assert.match(stderr, /^all layers of FC_NN 784-32-10: ranges .* 534 images instead of 2,048$/m);
    assert.match(stderr, /^"fc2": \d+ of 32 channels never changed in 534 samples: /m);
    const first = Number(/^epoch 1 of 6: training loss ([\d.]+)/m.exec(stderr)?.[1]);
    assert.ok(first < 1.2, `it begins with what the float network knows: ${first}`);
    const args = ["--dataset", bars, "--model", "fc_nn:32", "--json"];
    const { accuracy } = JSON.parse((await succeed("evaluate", path, ...args)).stdout);
    assert.ok(accuracy > 0.9, `${accuracy}`);
    assert.match((await metadataOf(path)).options, /"quantize":"lsq","weightBits":"2"/);
  }));
