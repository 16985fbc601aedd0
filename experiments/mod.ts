/**
 * Experiments as frozen data: definitions, a runner that resumes, statistics, cliffs, charts, reports.
 *
 * @module
 */
export type { ComparedPoint, Row, SeriesCliff } from "./aggregate.ts";
export { canonicalJson } from "./canonical_json.ts";
export {
  type ChartSpec,
  differenceChart,
  type DifferenceChartSpec,
  lineChart,
  type LineChartSpec,
} from "./charts/chart_spec.ts";
export type { StepLogChartSpec } from "./charts/step_log_chart.ts";
export {
  type ChartData,
  chartData,
  type ChartPoint,
  type ChartSeries,
  type PanelData,
  type ReferenceLine,
} from "./charts/chart_data.ts";
export { drawChart, type DrawnChart } from "./charts/draw_chart.ts";
export { drawTrainingCurve, type EpochPoint } from "./charts/draw_training_curve.ts";
export { checkTrial } from "./check_trial.ts";
export {
  type BudgetPoint,
  type BudgetScale,
  type Cliff,
  CLIFF_DELTAS,
  type CliffReport,
  findCliff,
  type Knee,
} from "./cliff.ts";
export { type CsvValue, writeCsv } from "./csv.ts";
export {
  type AxisDisplay,
  type AxisValue,
  type Comparison,
  defineExperiment,
  type Experiment,
  type ExperimentSpec,
  type Grid,
  type Point,
  type PublishedSeries,
} from "./define.ts";
export { bitWidth } from "./definitions/bit_width.ts";
export { calibration } from "./definitions/calibration.ts";
export { fcNNOnMnist } from "./definitions/fc_nn_on_mnist.ts";
export { generalisation } from "./definitions/generalisation.ts";
export { hyperparameters, type SearchOverrides } from "./definitions/hyperparameters.ts";
export { mixedPrecision } from "./definitions/mixed_precision.ts";
export {
  definitions,
  experimentNames,
  findExperiment,
  usualDefinitions,
} from "./definitions/mod.ts";
export { octization, octizationContrasts } from "./definitions/octization.ts";
export {
  octizationProgramCifar10,
  octizationProgramMnist,
} from "./definitions/octization_programs.ts";
export { CALIBRATION_IMAGES_OF_CONVOLUTIONS, ptqMethods } from "./definitions/ptq_methods.ts";
export { qat } from "./definitions/qat.ts";
export { waveletThreshold } from "./definitions/wavelet_threshold.ts";
export { waveletThresholdOfConvolutions } from "./definitions/wavelet_threshold_of_convolutions.ts";
export { captionNetwork } from "./describe_network.ts";
export { equivalenceTest } from "./equivalence.ts";
export type { LoggedStep } from "./step_log.ts";
export type { Execute, Report, Training } from "./executor.ts";
export {
  type ComparedAccuracy,
  type ComparedTensor,
  compareNetworks,
  type NetworkComparison,
} from "./inspect/compare_networks.ts";
export {
  type CalibratedQuantization,
  type HqqQuantization,
  type InputQuantization,
  type LayerQuantization,
  type MethodQuantization,
  type MethodVariant,
  quantizeByMethod,
  quantizeHalfQuadratically,
  type ReconstructionQuantization,
} from "./inspect/method_variant.ts";
export { observeInputs } from "./inspect/observe_inputs.ts";
export { type OctalBytes, octalBytes } from "./inspect/octal_bytes.ts";
export type { LayerPart, TensorDifference } from "./inspect/tensor_difference.ts";
export { trainedVariant } from "./inspect/trained_variant.ts";
export {
  type NetworkQuantization,
  plainVariant,
  quantizeNetwork,
  type TrainedInputs,
  type Variant,
} from "./inspect/variant.ts";
export { type ComparisonWords, drawComparison } from "./charts/draw_comparison.ts";
export { fitTwoSegments, type TwoSegmentFit } from "./knee.ts";
export { COLLAPSED_CLASSES, isCollapsed, type MetricName, type Metrics } from "./metrics.ts";
export { modelName } from "./model_name.ts";
export { overrideExperiment, type Overrides } from "./override.ts";
export { type Plan, type PlannedRow, type PlannedTrial, planTrials } from "./plan.ts";
export {
  type Master,
  type OctizationArm,
  type OctizationAxis,
  type OptimizerName,
} from "./definitions/octization_recipe.ts";
export { expandGrid } from "./grid_points.ts";
export {
  REGRESSION_NAME,
  REGRESSION_QUESTION,
  type RegressionResult,
  writeRegression,
} from "./regression/regression_report.ts";
export {
  type RegressionMeasure,
  type RegressionRow,
  screenRegression,
} from "./regression/screen_regression.ts";
export { openProgress, type Progress, type ProgressOptions, showDuration } from "./progress.ts";
export { writeReport } from "./report.ts";
export {
  type ExperimentResult,
  InterruptedError,
  runExperiment,
  type RunnerEvent,
  type RunOptions,
} from "./runner.ts";
export { drawSearch } from "./charts/draw_search.ts";
export {
  type Candidates,
  type Configuration,
  type Dimension,
  type Draw,
  listConfigurations,
  type LogRange,
  planRungs,
  type Rung,
  type Search,
} from "./search_space.ts";
export { searchCsv, searchTable, writeSearch, writeSearchReport } from "./search_report.ts";
export {
  bootstrapInterval,
  comparePairs,
  type Interval,
  mean,
  meanInterval,
  type PairedComparison,
  quantile,
  signFlipTest,
  standardDeviation,
} from "./statistics.ts";
export { openStore, type Outcome, type Run, type Store, type TrialRecord } from "./store.ts";
export {
  runSearch,
  type SearchedTrial,
  type SearchOptions,
  type SearchResult,
} from "./successive_halving.ts";
export { studentTQuantile, studentTUpperTail } from "./student_t.ts";
export { cliffsTable, resultLine, resultTable } from "./table.ts";
export {
  type AffineCompression,
  type CompressionSpec,
  type DataSpec,
  type LevelsCompression,
  type MagnitudePruneCompression,
  networkId,
  type NoCompression,
  type Recipe,
  shortId,
  type Trial,
  trialId,
  type WaveletThresholdCompression,
} from "./trial.ts";
export type {
  AdaRoundMethod,
  AnyActivations,
  BiasCorrectionMethod,
  DynamicActivations,
  GptqMethod,
  HqqMethod,
  LearnableActivations,
  MixedPrecisionMethod,
  NearestMethod,
  ObqMethod,
  PostTraining,
  PostTrainingCompression,
  PostTrainingMethod,
  QuantizationAwareCompression,
  ReconstructionMethod,
  Rescaling,
  SecondOrderMethod,
} from "./quantization_trial.ts";
export { checkOutput, writeFile } from "./write_file.ts";
export { resultsJson, writeResults } from "./write_results.ts";
