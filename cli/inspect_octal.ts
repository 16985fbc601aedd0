import { type OctalBytes, octalBytes } from "../experiments/inspect/octal_bytes.ts";
import { UserError } from "../formats/mod.ts";
import { readCheckpointFile } from "./checkpoint_file.ts";
import { plainTable } from "./plain_table.ts";
import { trainedQuantization } from "./trained_quantization.ts";

const HEAD = ["weights", "octal text", "decimal text", "3 bits a digit", "plain bits"];
const ROUNDINGS = { towardZero: "toward zero", nearestEven: "nearest" };

const count = (value: number): string => value.toLocaleString("en-US");

function rowOf(one: OctalBytes): string[] {
  const { bits, rounding, octalText, decimalText, octalDigits, plainBits } = one;
  const label = `${bits} bits, ${ROUNDINGS[rounding as keyof typeof ROUNDINGS]}`;
  return [label, ...[octalText, decimalText, octalDigits, plainBits].map(count)];
}

/**
 * Shows what the weights of a file take in bytes, in base 8 and otherwise.
 *
 * @param path Where it is.
 * @param shown As it was typed.
 * @param json True to print JSON instead of a table.
 * @throws {UserError} If it cannot be read, has no weights, or was trained under quantization.
 */
export async function inspectOctal(path: string, shown: string, json: boolean): Promise<void> {
  const file = await readCheckpointFile(path);
  if (trainedQuantization(file, shown) !== undefined) {
    throw new UserError(
      `Cannot write ${shown} in base 8: the network must be float32: it was trained under quantization`,
    );
  }
  const found = octalBytes(file, shown);
  if (json) {
    console.log(JSON.stringify({ path: shown, octal: found }));
    return;
  }
  console.log(plainTable(HEAD, found.map(rowOf), [1, 2, 3, 4]));
  console.log(
    `${shown}: bytes of ${
      count(found[0].weights)
    } weights at 1 / (2^b - 1), b bits of a magnitude ` +
      "beside its sign, no header",
  );
}
