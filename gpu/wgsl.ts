/** Types that a parameter or an override can have. */
export type ScalarType = "u32" | "i32" | "f32";

/** A tensor or uniform array bound in group 0. */
export interface WgslBinding {
  /** Name of the variable. */
  readonly name: string;
  /** Its `@binding` number. */
  readonly binding: number;
  /** Whether the shader may write it. */
  readonly access: "read" | "read_write";
  /** Type of one scalar, whatever vector holds it. */
  readonly element: ScalarType;
}

/** What a kernel's TypeScript view is checked against. */
export interface WgslModule {
  /** Tensors, in the order of the text. */
  readonly bindings: readonly WgslBinding[];
  /** Fields of `struct Params` in order. */
  readonly params: readonly (readonly [name: string, type: ScalarType])[];
  /** Names of the `override` constants. */
  readonly overrides: readonly string[];
  /** Names of the `@compute` functions. */
  readonly entries: readonly string[];
}

const BINDING =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<storage(?:,\s*(read|read_write))?>\s*(\w+)\s*:\s*array<([^;]+)>\s*;/g;
const PARAMS = /struct\s+Params\s*\{([^}]*)\}/;
const OVERRIDE = /override\s+(\w+)\s*:/g;
const ENTRY = /@compute\b[^{;]*?\bfn\s+(\w+)/g;

/** Removes comments, keeping the line count. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, (text) => text.replace(/[^\n]/g, " "))
    .replace(/\/\/[^\n]*/g, "");
}

function scalarOf(type: string): ScalarType | undefined {
  if (/\bf32\b|vec[234]f\b|mat4x4f\b/.test(type)) return "f32";
  if (/\bi32\b|vec[234]i\b/.test(type)) return "i32";
  if (/\bu32\b|vec[234]u\b/.test(type)) return "u32";
  return undefined;
}

/**
 * Reads the interface of a shader: its bindings, params, overrides and entry points.
 *
 * Not a compiler: WGSL that is wrong elsewhere passes here and is refused by the adapter.
 *
 * @param source Complete WGSL.
 * @param label What to call it in an error, such as its path.
 * @returns The interface, in the order of the text.
 * @throws {TypeError} If a binding or parameter has a type that a kernel cannot declare.
 */
export function parseWgsl(source: string, label: string): WgslModule {
  const text = withoutComments(source);
  const bindings = [...text.matchAll(BINDING)].map(([, binding, access, name, type]) => {
    const element = scalarOf(type);
    if (element === undefined) {
      throw new TypeError(
        `Cannot read ${label}: "${name}" must hold f32, i32 or u32: array<${type}>`,
      );
    }
    return {
      name,
      binding: Number(binding),
      access: (access ?? "read") as WgslBinding["access"],
      element,
    };
  });
  const declared = text.match(/@group\(0\)/g)?.length ?? 0;
  if (declared !== bindings.length) {
    throw new TypeError(
      `Cannot read ${label}: group 0 must hold storage arrays only: ${declared} bindings, ` +
        `${bindings.length} of them storage arrays`,
    );
  }
  const fields = PARAMS.exec(text)?.[1] ?? "";
  const params = fields.split(",").map((field) => field.trim()).filter(Boolean).map((field) => {
    const [name, type] = field.split(":").map((part) => part.trim());
    if (type !== "u32" && type !== "i32" && type !== "f32") {
      throw new TypeError(`Cannot read ${label}: param "${name}" must be u32, i32 or f32: ${type}`);
    }
    return [name, type] as const;
  });
  return {
    bindings,
    params,
    overrides: [...text.matchAll(OVERRIDE)].map(([, name]) => name),
    entries: [...text.matchAll(ENTRY)].map(([, name]) => name),
  };
}
