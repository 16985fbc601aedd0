import type { Execute } from "../../experiments/executor.ts";
import type { Metrics } from "../../experiments/metrics.ts";
import { type Trial, trialId } from "../../experiments/trial.ts";
import { randomSource } from "../../kernels/random_source.ts";

/** Made-up metrics with a plausible fall, a pure function of the trial: seeds share their network. */
export function fakeMetrics({ seed, compression }: Trial): Metrics {
  const float32 = 0.9775 + (randomSource(seed, 7)() - 0.5) * 0.002;
  const wobble = (randomSource(seed, JSON.stringify(compression).length)() - 0.5) * 0.2;
  const fall = fallOf(compression);
  const testAccuracy = Math.max(0.098, float32 - fall * (1 + wobble));
  return {
    testAccuracy,
    testLoss: 0.08 + 2.2 * fall,
    predictedClasses: testAccuracy < 0.12 ? 1 : 10,
    bytes: compression.kind === "affine" ? 6_000 * compression.bits + 500 : 210_000,
  };
}

/** Loss of accuracy, a fraction. */
function fallOf(compression: Trial["compression"]): number {
  switch (compression.kind) {
    case "none":
      return 0;
    case "affine": {
      const shift = (compression.granularity === "channel" ? 0.8 : 0) +
        (compression.activations ? -0.5 : 0);
      return 1.2 * Math.exp(-1.25 * (compression.bits + shift - 0.7));
    }
    case "post_training":
      return compression.activations === undefined ? 0.01 : 0.02;
    case "quantization_aware":
      return 0.005;
    case "levels":
      return 1.2 * Math.exp(-1.1 * compression.bits);
    case "wavelet_threshold": {
      const rate = { image: 0.004, matrix: 0.03, permuted: 0.025 }[compression.layout];
      return rate * compression.levels ** -0.5 * (Math.pow(compression.keep, -1.1) - 1);
    }
    case "magnitude_prune":
      return 0.012 * (Math.pow(compression.keep, -1.2) - 1);
  }
}

/** Measures with {@link fakeMetrics}, one trial after another, and stops when told to. */
export const fakeExecute: Execute = async (trials, report, signal) => {
  for (const trial of trials) {
    if (signal.aborted) return;
    report(trialId(trial), { status: "done", metrics: fakeMetrics(trial), seconds: 0.001 });
    await Promise.resolve();
  }
};

/** Where and with what the fake measures. */
export const FAKE_RUN = {
  command: "deno task sweep",
  commit: "0123456789abcdef0123456789abcdef01234567",
  adapter: "fake adapter",
  software: true,
  started: "2026-01-01T00:00:00.000Z",
};
