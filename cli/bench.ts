import type { Command } from "@commander-js/extra-typings";
export function addBench(program: Command): void {
  program.command("bench");
}
