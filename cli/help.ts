/** A line a command, in the words of its task in `deno.json`: help must need no permission to read. */
const SUMMARIES: Readonly<Record<string, string>> = {
  sweep:
    "Runs experiments: accuracy against bit-width and wavelet threshold, with charts and a table",
  train: "Trains a network and writes a checkpoint",
  evaluate: "Measures a checkpoint's accuracy and loss",
  inspect: "Shows what a checkpoint holds, or where two variants of a network differ",
  bench: "Measures every kernel against the adapter's roof",
  verify: "Checks every kernel against its reference on this adapter",
  data: "Lists, fetches and checks data sets",
};

/** What `cli/main.ts` can do, laid out as the launcher lays out its tasks. */
export const helpText: string = [
  "Bitcliff: how far can a network be reduced before it falls off the cliff?",
  "",
  "Usage: deno task COMMAND [ARGUMENT...], or ./bitcliff COMMAND [ARGUMENT...]",
  "",
  "Commands:",
  ...Object.entries(SUMMARIES).map(([name, summary]) => `  ${name.padEnd(10)} ${summary}`),
  "",
  "COMMAND --help says what a command takes.",
].join("\n");
