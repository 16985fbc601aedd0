import { type Device, measureRoofline, type Roofline } from "../gpu/mod.ts";

const MEASUREMENTS = 3;

/**
 * Measures the roof of an adapter several times and keeps the highest: other work on the machine only
 * ever lowers what is seen of it.
 *
 * @param device The device.
 * @returns Peak arithmetic and peak memory traffic.
 */
export async function bestRoofline(device: Device): Promise<Roofline> {
  let best: Roofline = { flopsPerSecond: 0, bytesPerSecond: 0 };
  for (let i = 0; i < MEASUREMENTS; i++) {
    const { flopsPerSecond, bytesPerSecond } = await measureRoofline(device);
    best = {
      flopsPerSecond: Math.max(best.flopsPerSecond, flopsPerSecond),
      bytesPerSecond: Math.max(best.bytesPerSecond, bytesPerSecond),
    };
  }
  return best;
}
