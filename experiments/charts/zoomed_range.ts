/** What of an axis is shown. */
export interface AxisRange {
  readonly yMin: number;
  readonly yMax: number;
}

/**
 * Chooses what the panel around the float32 network shows.
 *
 * A network that is not as good as the chart was made for gets a range of its own, and one that is nearly
 * perfect no more than six times what it lacks, but a point at least.
 *
 * @param y Of the float32 network, in percent.
 * @param zoomFrom Where the chart's author would begin.
 * @param above What else is to be seen above it, such as the end of an error bar: as far as there is as much
 *   room above y as below it.
 * @returns A range that has y in it, with room above for its band and the tops of error bars.
 */
export function zoomedRange(y: number, zoomFrom: number, above: readonly number[] = []): AxisRange {
  const yMin = y > zoomFrom + 1
    ? Math.max(zoomFrom, Math.min(99, Math.floor(100 - 6 * (100 - y))))
    : Math.max(0, Math.floor(y) - 3);
  const highest = Math.min(2 * y - yMin, Math.max(...above, y + 0.12 * (y - yMin)));
  return { yMin, yMax: Math.max(yMin + 1, Math.ceil(highest * 10) / 10) };
}
