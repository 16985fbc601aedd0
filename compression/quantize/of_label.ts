/**
 * Says whose something is, in the middle of an error.
 *
 * @param label Name of a layer or a weight, if it is known.
 * @returns Such as ` of "fc1"`; nothing if the name is not known.
 */
export function ofLabel(label: string | undefined): string {
  return label === undefined ? "" : ` of "${label}"`;
}
