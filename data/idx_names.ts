import { unknownName, UserError } from "../formats/mod.ts";

/** The four files of a data set in MNIST's layout. */
export type IdxPart = "train-images" | "train-labels" | "t10k-images" | "t10k-labels";

/** The four files, in a fixed order. */
export const idxParts: readonly IdxPart[] = [
  "train-images",
  "train-labels",
  "t10k-images",
  "t10k-labels",
];

/**
 * Names a file the way MNIST's authors do.
 *
 * @param part Which file.
 * @returns Such as `train-images-idx3-ubyte`.
 */
export function idxName(part: IdxPart): string {
  return `${part}-${part.endsWith("images") ? "idx3" : "idx1"}-ubyte`;
}

/**
 * Lists the names a file goes by: with a hyphen or a dot before `idx`, as it is or compressed.
 *
 * @param part Which file.
 * @returns Four names, those of files that are not compressed first.
 */
export function idxSpellings(part: IdxPart): string[] {
  const hyphen = idxName(part);
  const dot = hyphen.replace("-idx", ".idx");
  return [hyphen, dot, `${hyphen}.gz`, `${dot}.gz`];
}

/** The digest of one file, and what it is the digest of. */
export interface IdxDigest {
  /** The name it was given under. */
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** True for the digest of a compressed file, false for the digest of its content. */
  readonly compressed: boolean;
}

/**
 * Sorts digests by the file they belong to; of a file's digests that of its content is preferred.
 *
 * @param digests Digests by file name, in any of the {@linkcode idxSpellings}.
 * @param strict Whether a name that belongs to no file is an error.
 * @returns The digest of each part that has one.
 * @throws {UserError} If a digest is not 64 hexadecimal digits or, if strict, a name is unknown.
 */
export function digestsByPart(
  digests: Readonly<Record<string, string>>,
  strict: boolean,
): Map<IdxPart, IdxDigest> {
  const known = idxParts.flatMap(idxSpellings);
  for (const [name, digest] of Object.entries(digests)) {
    if (!known.includes(name)) {
      if (strict) throw unknownName("data file", name, known);
    } else if (!/^[0-9a-fA-F]{64}$/.test(digest)) {
      throw new UserError(
        `Cannot verify "${name}": a SHA-256 must be 64 hexadecimal digits: found "${digest}"`,
      );
    }
  }
  const found = new Map<IdxPart, IdxDigest>();
  for (const part of idxParts) {
    const name = idxSpellings(part).find((spelling) => Object.hasOwn(digests, spelling));
    if (name !== undefined) {
      found.set(part, { name, sha256: digests[name], compressed: name.endsWith(".gz") });
    }
  }
  return found;
}
