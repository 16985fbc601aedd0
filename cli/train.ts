import type { Command } from "@commander-js/extra-typings";
import { SCHEDULES } from "../training/mod.ts";
import {
  DATASET_HELP,
  MODEL_HELP,
  MOST_EPOCHS,
  MOST_SEED,
  numberFromZero,
  oneOf,
  positiveNumber,
  userPath,
  userPlace,
  wholeNumber,
} from "./options.ts";
import { QUANTIZERS } from "./train_quantization.ts";
import { OPTIMIZERS } from "./train_recipe.ts";
import { train } from "./train_run.ts";

/** `train`: trains one network, with a checkpoint after every epoch and a training curve. */
export function addTrain(program: Command): void {
  const command = program.command("train")
    .description("train a network; a checkpoint is written after every epoch, its curve beside it")
    .requiredOption("--output <file>", "where the checkpoint goes, such as m.safetensors", userPath)
    .option("--model <name>", MODEL_HELP, "fc_nn")
    .option("--dataset <name>", DATASET_HELP, userPlace, "mnist")
    .option("--data <folder>", "folder or address of a data set that is known by name", userPlace)
    .option("--resume <file>", "checkpoint to go on from; its options hold", userPath)
    .option(
      "--epochs <n>",
      "passes over the training images",
      wholeNumber("epochs", 1, MOST_EPOCHS),
      10,
    )
    .option("--batch-size <n>", "images a step", wholeNumber("a batch size of", 1), 128)
    .option("--optimizer <name>", OPTIMIZERS.join(", "), oneOf("optimizer", OPTIMIZERS), "adam")
    .option(
      "--learning-rate <x>",
      "largest rate; if left out 0.002, or 0.05 for sgd",
      positiveNumber("a learning rate of"),
    )
    .option(
      "--weight-decay <x>",
      "of weights, not biases or norms; if left out 0.01 for adamw, or 0 for sgd",
      numberFromZero("a weight decay of"),
    )
    .option(
      "--epsilon <x>",
      "of adam and adamw, beside the root of the second moment; if left out 1e-8",
      positiveNumber("an epsilon of"),
    )
    .option("--momentum <x>", "of sgd; if left out 0.9", numberFromZero("a momentum of", 1))
    .option("--nesterov", "step from where the momentum of sgd leads to")
    .option("--schedule <name>", SCHEDULES.join(", "), oneOf("schedule", SCHEDULES), "one_cycle")
    .option(
      "--augment [parts]",
      "change images at random, anew at every step: crop:PADDING, flip, cutout:SIDE, with commas; " +
        "alone crop:4, and flip where images have color",
    )
    .option(
      "--label-smoothing <x>",
      "share of each target that all classes get alike",
      numberFromZero("a label smoothing of", 1),
    )
    .option(
      "--dropout <x>",
      "share of the inputs of linear layers that training drops",
      numberFromZero("a dropout of", 1),
    )
    .option(
      "--ema [decay]",
      "average weights exponentially, and keep the average; decay 0.999 if left out",
      numberFromZero("a decay of", 1),
    )
    .option("--validate", "hold the last training images out, and measure on them every epoch")
    .option(
      "--patience <n>",
      "stop after so many epochs without a better accuracy, and keep the best; means --validate",
      wholeNumber("a patience of", 1),
    )
    .option(
      "--quantize <name>",
      `train under quantization: ${QUANTIZERS.join(", ")}`,
      oneOf("quantizer", QUANTIZERS),
    )
    .option("--weight-bits <n>", "bits of a weight, 1 to 16 or ternary; float32 if left out")
    .option(
      "--activation-bits <n>",
      "bits of the inputs of all layers but the first; float32 if left out",
      wholeNumber("activation bits of", 1, 16),
    )
    .option(
      "--image-bits <n>",
      "bits of a pixel; float32 if left out",
      wholeNumber("image bits of", 1, 16),
    )
    .option(
      "--granularity <name>",
      "weights that share a grid: tensor, channel, or so many of a channel; channel if left out",
    )
    .option(
      "--progressive <bits:steps>",
      "learned grids begin at so many bits and lose one at a time over so many steps, such as 8:2000",
    )
    .option(
      "--warm-up <steps>",
      "steps in which ranges of activations are only found, of straight_through and dorefa",
      wholeNumber("steps of warm-up", 1),
    )
    .option("--from <file>", "float32 network that training begins with", userPath)
    .option(
      "--distill [share]",
      "learn from that network too; its share in the loss, 0.5 if left out",
      positiveNumber("a share of the teacher of"),
    )
    .option("--test", "measure the network that is kept on the test set, once, at the end")
    .option(
      "--seed <n>",
      "of initial weights, batches and all chance; 0 if left out",
      wholeNumber("seed", 0, MOST_SEED),
    );
  command.action(async (options) => {
    const names = Object.keys(options) as (keyof typeof options)[];
    const typed = names.filter((name) => command.getOptionValueSource(name) === "cli");
    await train(options, new Set<string>(typed));
  });
}
