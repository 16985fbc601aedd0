/** Count of workgroups along x, y and z. */
export type Grid = readonly [x: number, y: number, z: number];

/** WebGPU's limit of workgroups along one axis. */
export const MAX_WORKGROUPS = 65_535;

/**
 * Covers a line of invocations, folded into rows where it is longer than WebGPU allows.
 *
 * The shader finds its index as
 * `id.y * groups.x * WORKGROUP_SIZE + id.x` with `@builtin(num_workgroups) groups`.
 *
 * @param invocations How many are needed.
 * @param workgroupSize Invocations in a workgroup.
 * @returns A grid that covers at least that many.
 */
export function linearGrid(invocations: number, workgroupSize: number): Grid {
  const groups = Math.ceil(invocations / workgroupSize);
  if (groups <= MAX_WORKGROUPS) return [groups, 1, 1];
  const rows = Math.ceil(groups / MAX_WORKGROUPS);
  return [Math.ceil(groups / rows), rows, 1];
}

/**
 * Refuses a grid that WebGPU would silently cut or skip.
 *
 * @param label The kernel, for the error.
 * @param grid Workgroups along x, y, z.
 * @throws {RangeError} If a count is not a whole number from 0 to 65,535.
 */
export function checkGrid(label: string, grid: Grid): void {
  if (!grid.every((n) => Number.isInteger(n) && n >= 0 && n <= MAX_WORKGROUPS)) {
    throw new RangeError(
      `Cannot run kernel "${label}": workgroups must be whole numbers up to ${MAX_WORKGROUPS}: ` +
        `grid is [${grid.join(", ")}]`,
    );
  }
}
