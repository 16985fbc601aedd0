import type { AxisDisplay } from "../define.ts";

/** What is quantized: an axis of most experiments on quantization. */
export const QUANTIZED = ["weights", "weights_and_activations"] as const;

/** One of its values. */
export type Quantized = typeof QUANTIZED[number];

/** How it is shown. */
export const QUANTIZED_AXIS: AxisDisplay = {
  label: "quantized",
  values: { weights: "weights", weights_and_activations: "weights + activations" },
};
