export { crossEntropy } from "./ops/cross_entropy.ts";
export {
  fakeQuantize,
  type GridNumbers,
  type QuantParams,
  type Rounding,
  uploadGrids,
} from "./ops/fake_quantize.ts";
export { linear, type LinearOptions } from "./ops/linear.ts";
export { relu } from "./ops/relu.ts";
export { backward, differentiable, type Vjp, type Wanted } from "./tape.ts";
