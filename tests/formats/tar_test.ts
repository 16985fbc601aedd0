import assert from "node:assert/strict";
import { decodeTar } from "../../formats/mod.ts";
import { throwsUserError } from "./throws_user_error.ts";

const archive = Deno.readFileSync(new URL("../fixtures/formats/reference.tar", import.meta.url));

Deno.test("decodeTar() reads the files of an archive that Python wrote, and passes over folders", () => {
  const files = decodeTar(archive, "reference.tar");
  const long = `${"a".repeat(60)}/${"b".repeat(60)}`;
  assert.deepEqual([...files.keys()], ["batches/a.bin", "batches/empty", long]);
  const content = files.get("batches/a.bin")!;
  assert.equal(content.length, 1280);
  assert.ok(content.every((byte, i) => byte === i % 256));
  assert.equal(files.get("batches/empty")!.length, 0);
  assert.deepEqual(files.get(long), new TextEncoder().encode("x"));
});

Deno.test("decodeTar() says where an archive was cut", () => {
  // the folder has no content, so the first file's header begins at 512
  for (const [length, expected] of [[700, 1024], [2000, 2304]]) {
    throwsUserError(
      () => decodeTar(archive.slice(0, length), "cut.tar"),
      `Cannot decode "cut.tar": the archive was cut at byte ${length}, expected ${expected} bytes`,
    );
  }
});

Deno.test("decodeTar() refuses a damaged header", () => {
  const damaged = archive.slice();
  damaged[512] ^= 1;
  assert.throws(() => decodeTar(damaged, "damaged.tar"), {
    name: "UserError",
    message:
      /^Cannot decode "damaged.tar": the header at byte 512 must have checksum \d+: found \d+$/,
  });
});
