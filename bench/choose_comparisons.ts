import { unknownName } from "../formats/mod.ts";
import { type Comparison, comparisons } from "./comparisons.ts";

/**
 * Chooses what to compare by name, to measure a few rows in a minute.
 *
 * @param names Workloads, or parts of titles such as `64->64`, in any case; none for everything.
 * @param all What there is to choose from; every comparison if left out.
 * @returns Those of a workload that is named, and those with a title that holds a name that is no
 *   workload's; each once, in the order of the table.
 * @throws {UserError} If a name matches nothing.
 */
export function chooseComparisons(
  names: readonly string[],
  all: readonly Comparison[] = comparisons,
): readonly Comparison[] {
  if (names.length === 0) return all;
  const workloads = [...new Set(all.map(({ workload }) => workload))];
  const chosen = new Set(names.flatMap((name) => {
    const matches = workloads.includes(name)
      ? all.filter(({ workload }) => workload === name)
      : all.filter(({ title }) => title.toLowerCase().includes(name.toLowerCase()));
    if (matches.length === 0) throw unknownName("workload", name, workloads);
    return matches;
  }));
  return all.filter((comparison) => chosen.has(comparison));
}
