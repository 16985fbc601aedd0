import { copyFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { EpochPoint } from "../experiments/mod.ts";
import { writeCsv } from "../experiments/csv.ts";
import { checkOutput, writeFile } from "../experiments/write_file.ts";
import { UserError } from "../formats/mod.ts";

/** Files that one training writes, all beside the checkpoint. */
export interface TrainFiles {
  /** The network after the last epoch, with all that it takes to go on. */
  readonly last: string;
  /** The network of the best epoch, where training may stop early. */
  readonly best: string;
  /** The training curve as numbers. */
  readonly csv: string;
  /** The training curve as a picture. */
  readonly png: string;
}

/**
 * Names the files of a training.
 *
 * @param output The checkpoint, such as `m.safetensors`.
 * @returns It, `m.best.safetensors`, `m.curve.csv` and `m.curve.png`.
 */
export function trainFiles(output: string): TrainFiles {
  const stem = output.replace(/\.safetensors$/, "");
  return {
    last: output,
    best: `${stem}.best.safetensors`,
    csv: `${stem}.curve.csv`,
    png: `${stem}.curve.png`,
  };
}

/**
 * Finds out before the work that the files of a training can be written.
 *
 * @param files Where they go.
 * @throws {UserError} If the folder cannot be written, or there is a folder where a file goes.
 */
export async function checkFiles(files: TrainFiles): Promise<void> {
  checkOutput(dirname(files.last));
  const what = { last: "a checkpoint", best: "a checkpoint", csv: "a curve", png: "a curve" };
  for (const kind of ["last", "best", "csv", "png"] as const) {
    if (await stat(files[kind]).then((found) => found.isDirectory(), () => false)) {
      throw new UserError(
        `Cannot write ${what[kind]} to ${files[kind]}: it must be a file: found a folder`,
      );
    }
  }
}

/**
 * Takes the best network so far along when a training goes on under another name.
 *
 * @param from The checkpoint that it goes on from.
 * @param files Where the training writes.
 * @throws {UserError} If there is none beside the checkpoint.
 */
export async function takeBestAlong(from: string, { best }: TrainFiles): Promise<void> {
  const earlier = trainFiles(from).best;
  try {
    if (earlier === best) await stat(best);
    else await copyFile(earlier, best);
  } catch (error) {
    throw new UserError(
      `Cannot resume from ${from}: the best network so far must be beside it: ` +
        (error as Error).message.split("\n")[0],
    );
  }
}

/**
 * Writes a training curve as numbers, one row an epoch; cells are empty where nothing was held out.
 *
 * @param path Where.
 * @param points One an epoch.
 */
export function writeCurve(path: string, points: readonly EpochPoint[]): void {
  const rows = points.map(({ epoch, trainingLoss, validationLoss, validationAccuracy }) => [
    epoch,
    trainingLoss,
    validationLoss,
    validationAccuracy,
  ]);
  const header = ["epoch", "trainingLoss", "validationLoss", "validationAccuracy"];
  writeFile(path, writeCsv(header, rows));
}
