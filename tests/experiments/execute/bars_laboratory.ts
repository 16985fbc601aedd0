import { type Laboratory, openLaboratory } from "../../../experiments/execute/laboratory.ts";
import { testDevice } from "../../support/device.ts";
import { type BarImages, writeBars } from "./bars_folder.ts";

/** A device, a data set of bars, and a folder for networks. */
export interface BarsLaboratory {
  readonly laboratory: Laboratory;
  readonly bars: string;
  readonly folder: string;
}

/** Of 784 inputs, methods that compute on the host would take seconds a network. */
const SMALL: BarImages = { train: 640, test: 320, side: 14 };

/**
 * Runs a test in one, and removes its folder.
 *
 * @param test What is tested.
 * @param images Where the usual ones are too many.
 */
export async function withBars(
  test: (place: BarsLaboratory) => Promise<void>,
  images: BarImages = SMALL,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    await writeBars(folder, images);
    const device = await testDevice();
    using _scope = device.scope();
    await test({ laboratory: openLaboratory(device), bars: folder, folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
