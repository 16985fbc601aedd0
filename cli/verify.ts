import type { Command } from "@commander-js/extra-typings";
import { unknownName } from "../formats/user_error.ts";
import { type Device, formatAdapterName, openDevice } from "../gpu/mod.ts";
import {
  casesOf,
  checkKernel,
  formatMismatches,
  kernelRooms,
  randomSource,
} from "../kernels/mod.ts";

import { plainTable } from "./plain_table.ts";

/** Random cases a kernel, beside the declared ones. */
const RANDOM_CASES = 4;

interface VerifyRow {
  readonly kernel: string;
  readonly cases: number;
  readonly elements: number;
  /** Share of the tolerance that the worst element uses. */
  readonly worst: number;
  readonly complaint: string | undefined;
}

/**
 * Checks every kernel, or the named ones, against the float64 references on an adapter.
 *
 * @param device Where to run.
 * @param names Names of kernels; all if empty.
 * @returns One row an entry point.
 * @throws {UserError} If no kernel has a name.
 */
export async function verify(device: Device, names: readonly string[]): Promise<VerifyRow[]> {
  const known = [...new Set(kernelRooms.map(({ family }) => family.name))];
  for (const name of names) {
    if (!known.includes(name)) throw unknownName("kernel", name, known);
  }
  const rows: VerifyRow[] = [];
  for (const { family, kernels } of kernelRooms) {
    if (names.length > 0 && !names.includes(family.name)) continue;
    for (const kernel of kernels) {
      const random = randomSource(7);
      const drawn = Array.from({ length: RANDOM_CASES }, () => family.randomCase?.(random))
        .filter((one) => one !== undefined)
        .filter(({ entries }) => entries?.includes(kernel.entry) ?? true);
      const results = [];
      for (const [seed, kernelCase] of [...casesOf(kernel), ...drawn].entries()) {
        results.push(await checkKernel(device, kernel, kernelCase, seed + 100));
      }
      const broken = results.find(({ mismatches }) => mismatches.length > 0);
      rows.push({
        kernel: kernel.label,
        cases: results.length,
        elements: results.reduce((sum, { compared }) => sum + compared, 0),
        worst: Math.max(...results.map(({ worst }) => worst)),
        complaint: broken && formatMismatches(broken),
      });
    }
  }
  return rows;
}

/** `verify`: every kernel against its reference on the user's own adapter. */
export function addVerify(program: Command): void {
  program.command("verify")
    .description("check every kernel against its float64 reference on this adapter")
    .argument("[kernel...]", "names of kernels; all if left out")
    .option("--json", "print the rows as JSON")
    .action(async (names, { json }) => {
      using device = await openDevice();
      const rows = await verify(device, names);
      const wrong = rows.filter(({ complaint }) => complaint !== undefined);
      if (json) {
        console.log(JSON.stringify({ adapter: device.info, rows }, null, 2));
      } else {
        const head = ["kernel", "cases", "elements", "worst, % of tolerance", "verdict"];
        const cells = rows.map(({ kernel, cases, elements, worst, complaint }) => [
          kernel,
          cases,
          elements,
          worst === 0 ? "exact" : (100 * worst).toFixed(1),
          complaint === undefined ? "right" : "WRONG",
        ]);
        console.log(plainTable(head, cells, [1, 2, 3]));
        for (const { complaint } of wrong) console.log(complaint);
        const { name, isSoftware } = device.info;
        console.log(
          `${rows.length - wrong.length} of ${rows.length} kernels are right on ` +
            formatAdapterName(name, isSoftware),
        );
      }
      if (wrong.length > 0) Deno.exitCode = 1;
    });
}
