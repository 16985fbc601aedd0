/**
 * Finds the folders with a `deno.json` of their own, such as `bench/peers/`: they have their own
 * import map and lock, for packages that no other part of the project needs.
 *
 * @param root Address of the project's folder, with a `/` at its end.
 * @param folder Path from the root of the folder to search, with a `/` at its end.
 * @returns Their paths from the root, with a `/` at the end; none inside of another.
 */
export function separateProjects(root: URL, folder = "./"): string[] {
  return [...Deno.readDirSync(new URL(folder, root))]
    .filter(({ name, isDirectory }) =>
      isDirectory && !name.startsWith(".") && name !== "node_modules" && name !== "runs"
    )
    .map(({ name }) => `${folder}${name}/`)
    .flatMap((inner) => {
      const names = [...Deno.readDirSync(new URL(inner, root))].map(({ name }) => name);
      return names.includes("deno.json") ? [inner] : separateProjects(root, inner);
    });
}
