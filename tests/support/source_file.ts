import type { SourceFile } from "./architecture.ts";

/** What the parser found in one TypeScript file. */
interface Names {
  readonly imports: string[];
  namesDeno: boolean;
}

/** A lint rule that reports nothing: Deno's own parser reads the file and this one takes notes. */
function reader(names: Names): Deno.lint.Plugin {
  const note = (specifier: Deno.lint.Expression | null | undefined): void => {
    if (specifier?.type === "Literal" && typeof specifier.value === "string") {
      names.imports.push(specifier.value);
    }
  };
  const create = (): Deno.lint.LintVisitor => ({
    ImportDeclaration: (node) => note(node.source),
    ExportAllDeclaration: (node) => note(node.source),
    ExportNamedDeclaration: (node) => note(node.source),
    ImportExpression: (node) => note(node.source),
    TSImportType: (node) => {
      if (node.argument.type === "TSLiteralType") note(node.argument.literal as Deno.lint.Literal);
    },
    Identifier: (node) => {
      if (node.name === "Deno") names.namesDeno = true;
    },
  });
  return { name: "architecture", rules: { reader: { create } } };
}

/**
 * Reads what a file imports, by Deno's own parser, so that text which only looks like an import (in a
 * comment, in a string) does not count. Works only inside `deno test`.
 *
 * @param path Path from the root of the project.
 * @param text The whole text.
 * @returns The file as the rules of the house see it.
 */
export function sourceFile(path: string, text: string): SourceFile {
  const names: Names = { imports: [], namesDeno: false };
  if (path.endsWith(".ts")) Deno.lint.runPlugin(reader(names), path, text);
  return { path, text, ...names };
}
