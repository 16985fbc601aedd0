import { join } from "node:path";
import { chunksOf, firstImages, loadDataset, uploadImages } from "../data/mod.ts";
import { drawComparison } from "../experiments/charts/draw_comparison.ts";
import { compareNetworks } from "../experiments/inspect/compare_networks.ts";
import { checkOutput, writeFile } from "../experiments/write_file.ts";
import { formatAdapterName, openDevice } from "../gpu/mod.ts";
import { createModel, type ModelSpec } from "../models/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import { downloadProgress } from "./download_progress.ts";
import { gitCommit } from "./git_commit.ts";
import {
  comparisonCsv,
  comparisonJson,
  comparisonSentences,
  comparisonTable,
} from "./inspect_report.ts";
import { checkQuantizable, inspectedVariant, readInspected } from "./inspect_variant.ts";
import { checkImageCount, userPath, usualImages } from "./options.ts";
import type { VariantSpec } from "./variant_spec.ts";

/** What a comparison of two networks is told. */
export interface PairOptions {
  /** The architecture. */
  readonly model: ModelSpec;
  /** Name or place of the data set. */
  readonly dataset: string;
  /** Folder or address of a data set that is known by name. */
  readonly data?: string;
  /** How many test images; as many as are usual of the model, if left out. */
  readonly images?: number;
  /** Where chart and CSV go. */
  readonly out: string;
  /** True to print JSON instead of a table. */
  readonly json: boolean;
}

/**
 * Compares two networks of one model and shows where they differ.
 *
 * @param specs Both, as they were typed.
 * @param options Model, images, and where results go.
 * @throws {UserError} If a file cannot be read or is of another model, or nothing can be written.
 */
export async function inspectPair(
  specs: readonly [VariantSpec, VariantSpec],
  { model: spec, dataset: place, data, images, out, json }: PairOptions,
): Promise<void> {
  const [a, b] = specs;
  const files = new Map<string, Uint8Array>();
  for (const { path } of specs) {
    if (path !== undefined) files.set(path, await readCheckpointFile(userPath(path)));
  }
  checkOutput(out);
  const dataset = await loadDataset(place, { directory: data, onProgress: downloadProgress() });
  checkImageCount(images, dataset);
  const { test, train, classes, name } = dataset;
  const model = createModel(spec, [test.channels, test.height, test.width], classes.length);
  const read = (path: string) => readInspected(model, files.get(path)!, path);
  const networkA = read(a.path!);
  const networkB = b.path === undefined ? networkA : read(b.path);
  checkQuantizable(a, networkA);
  checkQuantizable(b, networkB);

  using device = await openDevice();
  using _scope = device.scope();
  const variantA = await inspectedVariant(device, model, networkA, a, train);
  const variantB = await inspectedVariant(device, model, networkB, b, train);
  const tested = uploadImages(
    device,
    firstImages(test, images ?? usualImages(spec)),
    model.normalization,
  );
  const result = await compareNetworks(
    device,
    model.batchNorms?.folded() ?? model,
    variantA.variant,
    variantB.variant,
    chunksOf(device, tested),
  );

  const sentences = comparisonSentences(specs, result);
  const batchNorms = model.batchNorms ? ["Batch norms are folded."] : [];
  const adapter = formatAdapterName(device.info.name, device.isSoftware);
  const chart = drawComparison(result, {
    title: `${model.title} on ${name}: B against A, layer by layer`,
    caption: [
      ...sentences.slice(0, 3).map((sentence) => `${sentence}.`),
      ...batchNorms,
      `${result.images} test images; ${adapter};`,
      `commit ${(await gitCommit()).slice(0, 12)}.`,
    ].join(" "),
  });
  const at = (file: string) => join(out, file);
  writeFile(at("comparison.png"), chart);
  writeFile(at("comparison.csv"), comparisonCsv(result));
  if (json) {
    const about = { model: model.title, dataset: name, adapter };
    const remarks = { a: variantA.remarks, b: variantB.remarks };
    const variants = specs.map(({ text }) => text);
    console.log(JSON.stringify({ ...about, variants, remarks, ...comparisonJson(result) }));
    return;
  }
  console.log(`${model.title} on ${result.images} test images of ${name}, adapter: ${adapter}`);
  console.log(comparisonTable(result));
  const lines = [
    ...sentences,
    ...variantA.remarks.map((remark) => `A ${remark}`),
    ...variantB.remarks.map((remark) => `B ${remark}`),
    ...batchNorms,
  ];
  for (const line of lines) console.log(line);
  console.log(at("comparison.png"));
}
