import { encodeIdx, gzip } from "../../formats/mod.ts";
import { sha256Hex } from "../../data/sha256.ts";
import type { IdxPart } from "../../data/idx_names.ts";

/** The content of the four files of a small data set, by part. */
export type IdxContents = Record<IdxPart, Uint8Array<ArrayBuffer>>;

/** Makes labeled images of 3 x 2 pixels: 12 for training, 4 for testing, 3 classes. */
export function smallSet(): IdxContents {
  const images = (count: number) =>
    encodeIdx({
      shape: [count, 3, 2],
      data: Uint8Array.from({ length: count * 6 }, (_, i) => (i * 7) % 256),
    });
  const labels = (count: number) =>
    encodeIdx({ shape: [count], data: Uint8Array.from({ length: count }, (_, i) => i % 3) });
  return {
    "train-images": images(12),
    "train-labels": labels(12),
    "t10k-images": images(4),
    "t10k-labels": labels(4),
  };
}

/** How file names are spelled: the character before `idx`, and whether the files are compressed. */
export interface Spelling {
  readonly separator: "-" | ".";
  readonly gz: boolean;
}

/** Names and compresses a data set's files. */
export async function spelled(
  contents: IdxContents,
  { separator, gz }: Spelling,
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files = Object.entries(contents).map(async ([part, bytes]) => {
    const idx = part.endsWith("images") ? "idx3" : "idx1";
    const name = `${part}${separator}${idx}-ubyte${gz ? ".gz" : ""}`;
    return [name, gz ? await gzip(bytes) : bytes] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

/** The digests of files, by name. */
export async function digestsOf(
  files: Record<string, Uint8Array<ArrayBuffer>>,
): Promise<Record<string, string>> {
  const pairs = Object.entries(files).map(async ([name, bytes]) =>
    [name, await sha256Hex(bytes)] as const
  );
  return Object.fromEntries(await Promise.all(pairs));
}

/** Runs `use` with a new folder that is gone afterwards. */
export async function withFolder(
  files: Record<string, Uint8Array>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bitcliff-test-" });
  try {
    for (const [name, bytes] of Object.entries(files)) {
      await Deno.writeFile(`${folder}/${name}`, bytes);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A server on this machine that is gone at the end of the block. */
export interface LocalServer extends AsyncDisposable {
  /** Address of its root, which ends in a slash. */
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[];
}

/** Serves files by name; anything else is answered with 404, or by `answer`. */
export function serve(
  files: Record<string, Uint8Array<ArrayBuffer>>,
  answer: (path: string) => Response | undefined = () => undefined,
): LocalServer {
  const requests: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const path = new URL(request.url).pathname.slice(1);
    requests.push(path);
    const body = files[path];
    return answer(path) ?? new Response(body ?? null, { status: body ? 200 : 404 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
