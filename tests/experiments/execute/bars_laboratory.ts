import { type Laboratory, openLaboratory } from "../../../experiments/execute/laboratory.ts";
import { testDevice } from "../../support/device.ts";
import { type BarCounts, writeBars } from "./bars_folder.ts";

/** A device, a data set of bars, and a folder for networks. */
export interface BarsLaboratory {
  readonly laboratory: Laboratory;
  readonly bars: string;
  readonly folder: string;
}

/**
 * Runs a test in one, and removes its folder.
 *
 * @param test What is tested.
 * @param counts Images, where the usual ones are too many.
 */
export async function withBars(
  test: (place: BarsLaboratory) => Promise<void>,
  counts?: BarCounts,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    await writeBars(folder, counts);
    const device = await testDevice();
    using _scope = device.scope();
    await test({ laboratory: openLaboratory(device), bars: folder, folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
