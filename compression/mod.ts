export {
  type AffineGrid,
  BITS,
  chooseQuantParams,
  dequantize,
  quantize,
  type Range,
  rangesOf,
} from "./quantize/affine.ts";
export {
  activationGrids,
  type AffineQuantization,
  type Granularity,
  quantizeWeight,
} from "./quantize/post_training.ts";
