/**
 * Takes the head comment of a shader: mathematics, shapes, launch geometry, bound, paper.
 *
 * @param source Text of a `.wgsl` file.
 * @returns The lines of its leading `//` block without the slashes, joined by line ends; empty if
 *   the file does not start with a comment.
 */
export function headComment(source: string): string {
  const lines = source.split(/\r?\n/);
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines.slice(0, end < 0 ? lines.length : end)
    .map((line) => line.replace(/^\/\/ ?/, "").trimEnd())
    .join("\n");
}
