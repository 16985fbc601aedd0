import {
  checkOutput,
  expandGrid,
  octization,
  type OctizationArm,
  openProgress,
  REGRESSION_NAME,
  REGRESSION_QUESTION,
  screenRegression,
  writeRegression,
} from "../experiments/mod.ts";
import { UserError } from "../formats/mod.ts";
import { openDevice } from "../gpu/mod.ts";
import { abortOnSignals, adapterLine, describeRun, type SweepPlace } from "./sweep_session.ts";

interface RegressionOptions extends SweepPlace {
  readonly seeds?: number;
  readonly model?: string;
  readonly dataset?: string;
  readonly epochs?: number;
  readonly checkpoint?: string;
  readonly images?: number;
  readonly only?: Readonly<Record<string, readonly string[]>>;
  readonly fresh?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

const SEEDS = 10;
/** The options of a sweep that a regression has no use for. */
const UNUSED = [
  "model",
  "dataset",
  "data",
  "epochs",
  "checkpoint",
  "images",
  "only",
  "fresh",
] as const;

/** Fits the toy regression in every arm of the octization factorial. */
export async function sweepRegression(options: RegressionOptions): Promise<void> {
  const unused = UNUSED.filter((name) => options[name] !== undefined);
  if (unused.length > 0) {
    throw new UserError(
      `Cannot run experiment "${REGRESSION_NAME}": it draws its own data and keeps no store: leave out ` +
        unused.map((name) => `--${name}`).join(", "),
    );
  }
  const arms = expandGrid(octization.grid) as unknown as OctizationArm[];
  const seeds = Array.from({ length: options.seeds ?? SEEDS }, (_, seed) => seed);
  if (options.dryRun) {
    const words = `${arms.length} points x ${seeds.length} seeds\n  ${REGRESSION_QUESTION}`;
    return console.log(`${REGRESSION_NAME}: ${words}`);
  }
  checkOutput(options.out);
  using device = await openDevice();
  console.error(adapterLine(device.info));
  const run = await describeRun(device);
  const { signal, stop } = abortOnSignals();
  using progress = openProgress({ label: REGRESSION_NAME, isTerminal: Deno.stderr.isTerminal() });
  try {
    const started = performance.now();
    const rows = await screenRegression(device, arms, seeds, signal, (_row, done) => {
      const etaSeconds = (performance.now() - started) / 1000 * (arms.length / done - 1);
      progress.update({
        kind: "progress",
        done,
        total: arms.length,
        skipped: 0,
        etaSeconds,
      });
    });
    const result = { rows, run };
    const written = writeRegression(result, options.out);
    console.log(options.json ? JSON.stringify(result) : written.join("\n"));
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error(`Stopped experiment "${REGRESSION_NAME}": nothing was written`);
    Deno.exitCode = 130;
  } finally {
    stop();
  }
}
