/**
 * Writes a count of bytes for a person.
 *
 * @param bytes Count of bytes.
 * @returns Such as `96 B`, `12.3 KiB` or `4.00 GiB`.
 */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${bytes.toPrecision(3)} ${units[unit]}`;
}

/**
 * Writes a shape for a person.
 *
 * @param shape Sizes of the axes.
 * @returns Such as `[64, 784]`.
 */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Writes the name of an adapter for a person.
 *
 * @param name As the driver has it.
 * @param isSoftware Whether a processor stands in for a GPU.
 * @returns Such as `llvmpipe (software)`.
 */
export function formatAdapterName(name: string, isSoftware: boolean): string {
  return name + (isSoftware ? " (software)" : "");
}
