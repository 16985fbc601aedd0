/**
 * Data sets: found or fetched, verified, decoded, and held on the GPU.
 *
 * @module
 */
export { cacheDirectory } from "./cache_directory.ts";
export { type Cifar10Options, cifar10Sha256, loadCifar10 } from "./cifar10.ts";
export {
  type Dataset,
  firstImages,
  type ImageSet,
  splitTrainValidation,
  type TrainValidation,
} from "./dataset.ts";
export { type Download, download } from "./download.ts";
export { fashionMnistClasses, fashionMnistSha256, loadFashionMnist } from "./fashion_mnist.ts";
export { type IdxFolder, loadIdxFolder } from "./idx_folder.ts";
export {
  type DatasetForm,
  datasetForm,
  datasetNames,
  loadDataset,
  type LoadOptions,
} from "./load.ts";
export { loadMnist, mnistClasses, mnistSha256 } from "./mnist.ts";
export type { DownloadProgress } from "./resumable_download.ts";
export {
  type Chunk,
  chunksOf,
  type Normalization,
  type ResidentImages,
  splitChunk,
  unitNormalization,
  uploadImages,
} from "./resident.ts";
