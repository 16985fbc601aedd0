import { canonicalJson } from "./canonical_json.ts";
import { checkTrial } from "./check_trial.ts";
import type { AxisValue, Experiment, Point } from "./define.ts";
import { expandGrid } from "./grid_points.ts";

/**
 * Refuses an experiment whose parts do not fit together.
 *
 * @param experiment As it is written down.
 * @throws {RangeError} If the name, the grid, a comparison or a chart does not fit, or if `trial` gives
 *   two answers to the same question.
 */
export function checkExperiment(experiment: Experiment): void {
  const { name, grid, axes, budget, seeds, compare, charts, published } = experiment;
  const fail = (why: string): never => {
    throw new RangeError(`Cannot define experiment "${name}": ${why}`);
  };
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) fail("the name must be in snake_case");
  const { equivalenceMargin: margin } = experiment;
  if (margin !== undefined && !(margin > 0)) fail(`the margin must be above 0: ${margin}`);
  if (!Number.isInteger(seeds) || seeds < 1) fail(`seeds must be a whole number from 1: ${seeds}`);

  for (const [axis, values] of Object.entries(grid)) {
    if (values.length === 0) fail(`axis "${axis}" must have values: it has none`);
    if (new Set(values).size < values.length) fail(`axis "${axis}" must not repeat a value`);
    if (!Object.hasOwn(axes, axis)) fail(`axis "${axis}" must have a label`);
  }
  if (!grid[budget.axis]?.every((value: AxisValue) => typeof value === "number" && value > 0)) {
    fail(`the budget must be an axis of positive numbers: "${budget.axis}"`);
  }

  const checkSelection = (what: string, selection: Partial<Point>): void => {
    for (const [axis, value] of Object.entries(selection)) {
      if (value !== undefined && !grid[axis]?.includes(value)) {
        fail(`${what} must be on the grid: ${axis} = ${value} is not`);
      }
    }
  };
  for (const { name: comparison, first, second, where = {} } of compare) {
    for (const [axis, values] of Object.entries(where)) {
      for (const value of values ?? []) {
        checkSelection(`comparison "${comparison}"`, { [axis]: value });
      }
    }
    checkSelection(`comparison "${comparison}"`, first);
    checkSelection(`comparison "${comparison}"`, second);
    if (!sameKeys(first, second)) {
      fail(`comparison "${comparison}" must fix the same axes on both sides`);
    }
  }
  if (experiment.control) checkSelection("the control", experiment.control);
  if (published) checkSelection("what the published series compares with", published.comparable);
  const { stepLogs } = experiment;
  if (stepLogs !== undefined) {
    const what = `chart "${stepLogs.name}"`;
    if (!sameKeys(stepLogs.where, grid)) fail(`${what} must name values of every axis`);
    for (const [axis, values] of Object.entries(stepLogs.where)) {
      for (const value of values) checkSelection(what, { [axis]: value });
    }
  }
  for (const chart of charts) {
    if (chart.kind === "line") {
      if (chart.x !== undefined && !experiment.metrics.includes(chart.x)) {
        fail(`chart "${chart.name}" must be drawn over what is measured: "${chart.x}" is not`);
      }
      for (const [axis, values] of Object.entries(chart.where ?? {})) {
        for (const value of values) checkSelection(`chart "${chart.name}"`, { [axis]: value });
      }
      continue;
    }
    for (const wanted of chart.comparisons) {
      if (!compare.some((comparison) => comparison.name === wanted)) {
        fail(`chart "${chart.name}" draws a comparison that does not exist: "${wanted}"`);
      }
    }
  }
  if (new Set(charts.map((chart) => chart.name)).size < charts.length) {
    fail("charts must have different names");
  }

  checkTrial(experiment.baseline(0));
  if (experiment.baseline(0).compression.kind !== "none") fail("the baseline must be float32");
  for (const point of expandGrid(grid)) {
    const trial = experiment.trial(point, 0);
    checkTrial(trial);
    if (canonicalJson(trial) !== canonicalJson(experiment.trial(point, 0))) {
      fail(`trial must be a pure function: it gave two answers at ${canonicalJson(point)}`);
    }
  }
}

function sameKeys(a: object, b: object): boolean {
  return Object.keys(a).sort().join() === Object.keys(b).sort().join();
}
