import { GlobalFonts } from "@napi-rs/canvas";
// Read so that the package is installed and locked; the font itself is found beside it.
import inter from "@expo-google-fonts/inter/package.json" with { type: "json" };
import { createRequire } from "node:module";

/** Family name of the font of every chart. */
export const FONT_FAMILY = "Bitcliff Inter";

const FACES = ["400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf"];

/**
 * Makes Inter known to the canvas: without a registered font a chart has no text and no error.
 *
 * The files are found with the resolver of the canvas package, which works the same in a `node_modules`
 * folder and in Deno's own cache.
 *
 * @throws {Error} If the font is not installed or cannot be read.
 */
export function registerFonts(): void {
  if (GlobalFonts.has(FONT_FAMILY)) return;
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  const canvas = loaded.find((path) => /[\\/]@napi-rs[\\/]canvas[\\/]/.test(path));
  if (canvas === undefined) {
    throw new Error(
      "Cannot draw charts: @napi-rs/canvas must be loaded: it is not among the modules",
    );
  }
  const { resolve } = createRequire(canvas);
  for (const face of FACES) {
    const path = resolve(`${inter.name}/${face}`);
    if (GlobalFonts.registerFromPath(path, FONT_FAMILY) === null) {
      throw new Error(`Cannot draw charts: the font must be readable: ${path}`);
    }
  }
}
