import {
  type Chunk,
  chunksOf,
  type Dataset,
  firstImages,
  type ImageSet,
  loadDataset,
  type ResidentImages,
  splitTrainValidation,
  uploadImages,
} from "../../data/mod.ts";
import { UserError } from "../../formats/user_error.ts";
import type { Device } from "../../gpu/mod.ts";
import { createModel, type Model, type ModelSpec } from "../../models/mod.ts";
import { fewImagesRemarks, OBSERVED_IMAGES, RANGE_IMAGES } from "../../training/mod.ts";
import type { DataSpec, Trial } from "../trial.ts";

/** A data set on the GPU, as the trials of one recipe need it. */
export interface Bench {
  /** What networks learn from. */
  readonly train: ResidentImages;
  /** What they are judged on: the test set, or the validation images of a split. */
  readonly judge: readonly Chunk[];
  /** Training images for the ranges of activations: the first 2,048, or all if there are fewer. */
  readonly calibration: readonly Chunk[];
  /** What is to be said of them: that they are fewer. */
  readonly calibrationRemarks: readonly string[];
  /**
   * The first training images, which the caller's scope owns.
   *
   * @param images As many as a method asks for; left out, as many as are usually observed, or all if there
   *   are fewer.
   * @throws {UserError} If there are fewer than asked for.
   */
  calibrationSet(images?: number): ResidentImages;
  readonly inputShape: readonly [channels: number, height: number, width: number];
  readonly classes: number;
}

/** A device and the data sets that are on it. */
export interface Laboratory {
  readonly device: Device;
  /** Loads and uploads a data set the way the model wants to see it, once. */
  bench(trial: Pick<Trial, "data" | "model" | "images">): Promise<Bench>;
}

function layOut(
  device: Device,
  dataset: Dataset,
  data: DataSpec,
  model: Model,
  images: number,
): Bench {
  const split = data.train === "split"
    ? splitTrainValidation(dataset.train, dataset.validationCount)
    : undefined;
  const train = firstImages(split?.train ?? dataset.train, data.first ?? Infinity);
  const judge = firstImages(split?.validation ?? dataset.test, images);
  const upload = (set: ImageSet) => uploadImages(device, set, model.normalization);
  const calibration = firstImages(train, RANGE_IMAGES);
  return {
    train: upload(train),
    judge: chunksOf(device, upload(judge)),
    calibration: chunksOf(device, upload(calibration)),
    calibrationRemarks: fewImagesRemarks(dataset.name, calibration.count, RANGE_IMAGES),
    calibrationSet(images = Math.min(OBSERVED_IMAGES, train.count)) {
      if (images > train.count) {
        throw new UserError(
          `Cannot calibrate on ${images} images of ${dataset.name}: there are ${train.count} to learn ` +
            "from",
        );
      }
      return upload(firstImages(train, images));
    },
    inputShape: model.inputShape,
    classes: model.classes,
  };
}

/**
 * Sets up a device for trials.
 *
 * @param device Where networks are trained and judged.
 * @param directory Folder or address of a data set that is known by name.
 * @returns The laboratory.
 */
export function openLaboratory(device: Device, directory?: string): Laboratory {
  const datasets = new Map<string, Promise<Dataset>>();
  const benches = new Map<string, Bench>();
  return {
    device,
    async bench({ data, model: spec, images }): Promise<Bench> {
      const loading = datasets.get(data.dataset) ?? loadDataset(data.dataset, { directory });
      datasets.set(data.dataset, loading);
      const dataset = await loading;
      const { channels, height, width } = dataset.train;
      const model = createModel(spec, [channels, height, width], dataset.classes.length);
      const key = JSON.stringify([data, model.normalization, images]);
      const bench = benches.get(key) ?? layOut(device, dataset, data, model, images ?? Infinity);
      benches.set(key, bench);
      return bench;
    },
  };
}

/**
 * Makes the model that a trial asks for, in the shape of its data.
 *
 * @param spec The architecture.
 * @param bench The data.
 * @returns The model.
 */
export function modelOn(spec: ModelSpec, bench: Bench): Model {
  return createModel(spec, bench.inputShape, bench.classes);
}
