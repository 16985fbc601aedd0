export { cnn, type CnnOptions } from "./cnn.ts";
export { fcNN, type FcNNOptions } from "./fc_nn.ts";
export { foldBatchNorms, type FoldedNetwork } from "./fold_batch_norm.ts";
export {
  type BatchNormPlace,
  type ConvolutionGeometry,
  type ForwardHooks,
  layerParameters,
  type LayerTail,
  type Model,
  type ModelInput,
  networksAtOnce,
  parameterCount,
  parameterShape,
  type ParameterSpec,
  type ParameterTensors,
  rowsAtOnce,
  type TrainingContext,
} from "./model.ts";
export {
  type FlatParameters,
  type HostParameters,
  initialParameters,
  layoutParameters,
  type ParameterLayout,
  type ParameterPlace,
  type Parameters,
  readParameters,
  trainableLayout,
  trainableTensors,
  uploadParameters,
  writeParameters,
  zeroParameters,
} from "./parameters.ts";
export {
  type ActivationGrid,
  type FixedKernel,
  octalDigits,
  octizationOfCifar10,
  octizationOfMnist,
  type OctizationProgramOptions,
} from "./octization_programs.ts";
export { resnet, type ResnetOptions } from "./resnet.ts";
export {
  type CnnSpec,
  createModel,
  type FcNNSpec,
  type ImageForm,
  type ModelName,
  MODELS,
  type ModelSpec,
  type OctizationProgramSpec,
  type ResnetSpec,
  type SizedSpec,
} from "./create_model.ts";
