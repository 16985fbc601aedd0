import { UserError } from "../formats/mod.ts";

/**
 * Names the folder that downloads are kept in: `bitcliff` in `XDG_CACHE_HOME`, else in `~/.cache`.
 *
 * Needs the permission to read the environment variables `XDG_CACHE_HOME`, `HOME` and `USERPROFILE`.
 *
 * @returns The path; the folder need not exist.
 * @throws {UserError} If no variable names a home.
 *
 * @see freedesktop.org 2021, XDG Base Directory Specification 0.8
 */
export function cacheDirectory(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  // The specification asks to pass over a relative path.
  if (cache?.startsWith("/")) return `${cache}/bitcliff`;
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  if (!home) {
    throw new UserError(
      "Cannot keep downloads: expected XDG_CACHE_HOME or HOME to name a folder: found neither",
    );
  }
  return `${home}/.cache/bitcliff`;
}
