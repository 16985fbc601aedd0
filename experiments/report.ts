import type { Experiment } from "./define.ts";
import { showSeries, showValue } from "./charts/chart_data.ts";
import { matches } from "./grid_points.ts";
import { METRIC_DISPLAY } from "./metrics.ts";
import { cliffTable, showBudgetOf, showInterval } from "./format_result.ts";
import type { ExperimentResult } from "./runner.ts";
import { markdownTable, runsTable } from "./markdown_table.ts";
import { resultCells, resultHeader } from "./table.ts";
import { counted, networkSentences } from "./describe_network.ts";
import { shortId } from "./trial.ts";

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function showP(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 4 : 2);
}

function provenance({ experiment, runs, trials }: ExperimentResult): string {
  const { data, model, training, pretrained } = experiment.baseline(0);
  const network = pretrained === undefined
    ? `Data, model, training: \`${JSON.stringify({ data, model, training })}\``
    : `Data, model, checkpoint: \`${JSON.stringify({ data, model, pretrained })}\``;
  return [
    list([...networkSentences(experiment), ...experiment.method]),
    "",
    list([
      network,
      ...pretrained === undefined
        ? [
          `Seeds: ${
            Array.from({ length: experiment.seeds }, (_, seed) => seed).join(", ")
          }, the same in every arm.`,
        ]
        : [],
      `Trials: ${trials.length}.`,
    ]),
    "",
    runsTable(runs),
  ].join("\n");
}

function comparisons({ experiment, comparisons }: ExperimentResult): string {
  const { budget: { axis }, equivalenceMargin: margin } = experiment;
  const hasTests = experiment.seeds > 1;
  const equivalent = margin === undefined ? [] : [`p equivalent within ${margin * 100}`];
  const both = hasTests ? ["p", ...equivalent].flatMap((test) => [test, "by Holm"]) : [];
  return markdownTable(
    ["comparison", "at", "difference (points)", ...both, "seeds"],
    comparisons.map(({ name, at, metric, difference, pValue, equivalence, adjusted }) => [
      name,
      Object.entries(at).map(([key, value]) =>
        key === axis ? showBudgetOf(experiment, Number(value)) : showValue(experiment, key, value)
      ).join(", "),
      showInterval(difference, metric, true),
      ...hasTests ? [showP(pValue), showP(adjusted.pValue)] : [],
      ...equivalence === undefined || !hasTests
        ? []
        : [showP(equivalence), showP(adjusted.equivalence ?? equivalence)],
      `${difference.n}`,
    ]),
  );
}

/** What losses are counted from. */
function controlInWords(experiment: Experiment): string {
  if (experiment.control === undefined) return "float32 accuracy";
  const values = Object.entries(experiment.control)
    .map(([axis, value]) => showValue(experiment, axis, value!));
  return `accuracy of the control, "${values.join(", ")}",`;
}

/** p-values below it are called findings. */
const SIGNIFICANT = 0.05;

/** What is told of weights on a grid, where an experiment has it. */
const LEVEL_METRICS = ["updatesLost", "zeroWeights", "weightNorm"] as const;

function levels({ experiment, rows }: ExperimentResult): string[] {
  const names = LEVEL_METRICS.filter((name) => experiment.metrics.includes(name));
  const measured = rows.filter(({ summary }) => names.some((name) => summary[name] !== undefined));
  if (measured.length === 0) return [];
  const labels = names.map((name) => {
    const { label, unit } = METRIC_DISPLAY[name];
    return unit === "" ? label : `${label} (${unit})`;
  });
  return [
    "## Weights on their grid",
    "",
    markdownTable(
      [...Object.values(experiment.axes).map(({ label }) => label), ...labels],
      measured.map((row) => [
        ...resultCells(experiment, row).slice(0, -3),
        ...names.map((name) => showInterval(row.summary[name], name)),
      ]),
    ),
    "",
  ];
}

function published({ experiment, rows }: ExperimentResult): string[] {
  if (!experiment.published) return [];
  const { label, source, comparable, points } = experiment.published;
  const { axis } = experiment.budget;
  return [
    "## Beside published figures",
    "",
    `Published: ${label}: ${source}. Ours: ${showSeries(experiment, comparable as never)}.`,
    "",
    markdownTable(
      [axis, "published (%)", "ours (%)"],
      points.map(({ budget, testAccuracy }) => {
        const own = rows.find(({ point }) =>
          point && matches(point, { ...comparable, [axis]: budget })
        );
        return [
          showBudgetOf(experiment, budget),
          (testAccuracy * 100).toFixed(2),
          showInterval(own?.summary.testAccuracy, "testAccuracy"),
        ];
      }),
    ),
    "",
  ];
}

function exceptions({ experiment, rows, trials }: ExperimentResult): string {
  const collapsed = rows.filter((row) => row.collapsed > 0).map((row) => {
    const cells = resultCells(experiment, row);
    return `Collapsed (predicts at most two classes): ${cells.slice(0, -3).join(", ")}: ` +
      `${row.collapsed} of ${row.metrics.length} seeds.`;
  });
  const failed = trials.flatMap(({ id, trial, outcome }) =>
    outcome.status === "failed"
      ? [`Failed: trial ${shortId(id)}, seed ${trial.seed}: ${outcome.error}.`]
      : []
  );
  return list([...collapsed, ...failed].length > 0 ? [...collapsed, ...failed] : ["None."]);
}

/** What is to be said of networks and calibration, each sentence once, most frequent first. */
function remarks({ trials }: ExperimentResult): string[] {
  const times = new Map<string, number>();
  for (const { outcome } of trials) {
    if (outcome.status !== "done") continue;
    for (const remark of outcome.remarks ?? []) times.set(remark, (times.get(remark) ?? 0) + 1);
  }
  if (times.size === 0) return [];
  const sorted = [...times].sort(([, a], [, b]) => b - a);
  return [
    "## Remarks",
    "",
    "Of networks and of calibration, and in how many trials:",
    "",
    list(sorted.map(([remark, count]) => `${remark} (${count})`)),
    "",
  ];
}

/**
 * Writes the report of an experiment as Markdown: question, method, where the numbers come from, results,
 * cliffs, comparisons, and what went wrong.
 *
 * @param result What was measured.
 * @param hasStepLogs Whether there is a chart of single steps beside it.
 * @returns The text; its charts are the PNG files beside it.
 */
export function writeReport(result: ExperimentResult, hasStepLogs: boolean = false): string {
  const { experiment, baseline, rows, cliffs } = result;
  const cliff = cliffTable(experiment, cliffs);
  const charts = [
    ...experiment.charts,
    ...hasStepLogs && experiment.stepLogs ? [experiment.stepLogs] : [],
  ];
  return [
    `# ${experiment.name}`,
    "",
    experiment.question,
    "",
    "Expected before it was measured:",
    "",
    list(experiment.hypotheses),
    "",
    "## Method",
    "",
    provenance(result),
    "",
    ...charts.length === 0 ? [] : ["## Charts", "", ...chartLinks(charts)],
    "## Cliffs",
    "",
    "The cliff is the smallest measured budget at which, and at every larger one, the lower end of the " +
    `two-sided 95 % Student t interval of (accuracy - ${
      controlInWords(experiment)
    } of the same seed) stays within ` +
    "the tolerated loss. The knee is where the two lines of a least-squares fit meet, with a 95 % " +
    "percentile bootstrap interval over seeds, which is too narrow for few of them.",
    "",
    ...experiment.seeds === 1
      ? [
        "One network has no interval over seeds, and no budget is called safe on its strength.",
        "",
      ]
      : [],
    markdownTable(cliff.header, cliff.rows),
    "",
    "## Results",
    "",
    experiment.seeds === 1
      ? "One seed: no intervals."
      : "Mean ± half width of the 95 % interval over seeds; differences are paired by seed.",
    "",
    markdownTable(
      resultHeader(experiment),
      [baseline, ...rows].map((row) => resultCells(experiment, row)),
    ),
    "",
    ...levels(result),
    "## Paired comparisons",
    "",
    howCompared(result),
    "",
    comparisons(result),
    "",
    ...published(result),
    ...remarks(result),
    "## Collapsed and failed",
    "",
    exceptions(result),
    "",
  ].join("\n");
}

function howCompared({ experiment, comparisons }: ExperimentResult): string {
  const count = comparisons.length;
  if (experiment.seeds === 1) {
    return "Differences between networks of one seed, without p or interval.";
  }
  const least = Math.min(1, count * 2 ** (1 - experiment.seeds));
  return [
    "p: two-sided sign-flip test, all patterns up to 20 seeds; it cannot fall below 2 / 2^seeds.",
    ...experiment.equivalenceMargin === undefined ? [] : [
      "p equivalent: two one-sided t tests; below 0.05 the 90 % interval of the difference is within the " +
      "margin, in points, even where the 95 % interval that stands here is not.",
    ],
    `By Holm: adjusted for all ${count} comparisons of this report, so that the chance of one false ` +
    "finding among them is as small as the number read.",
    ...least < SIGNIFICANT || count === 0 ? [] : [
      `With ${counted(experiment.seeds, "seed")} p cannot fall below ${
        least.toFixed(2)
      } by Holm, whatever ` +
      "the differences are: here their intervals are what to read.",
    ],
  ].join(" ");
}

function chartLinks(
  charts: readonly { readonly name: string; readonly title: string }[],
): string[] {
  return charts.flatMap(({ name, title }) => [
    `![${title}](${name}.png)`,
    "",
    `Drawn from [${name}.csv](${name}.csv).`,
    "",
  ]);
}
