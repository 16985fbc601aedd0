import config from "../deno.json" with { type: "json" };

/**
 * Writes what `cli/main.ts` can do, in the words of the tasks in `deno.json`, as the launcher does.
 *
 * @param commands Names of the commands.
 * @returns Usage and a line a command.
 */
export function helpText(commands: readonly string[]): string {
  const tasks: Readonly<Record<string, { readonly description: string }>> = config.tasks;
  return [
    "Bitcliff: how far can a network be reduced before it falls off the cliff?",
    "",
    "Usage: deno task COMMAND [ARGUMENT...], or ./bitcliff COMMAND [ARGUMENT...]",
    "",
    "Commands:",
    ...commands.map((name) => `  ${name.padEnd(10)} ${tasks[name].description}`),
    "",
    "COMMAND --help says what a command takes.",
  ].join("\n");
}
