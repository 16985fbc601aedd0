import { type Device, openDevice } from "../../gpu/mod.ts";

let opened: Promise<Device> | undefined;

/**
 * Opens the device that all tests of a file share; it stays open until the process ends.
 *
 * @returns The device.
 */
export function testDevice(): Promise<Device> {
  return opened ??= openDevice();
}
