// Writes the types of the package's modules, as far as its entries show them.
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import ts from "typescript";
import type { Plugin } from "vite";

/** Each module's types come from its own text, so what a module exports says its types. */
const OPTIONS: ts.CompilerOptions = { declaration: true, isolatedDeclarations: true, stripInternal: true };

export function declarations(entries: readonly string[]): Plugin {
  return {
    name: "declarations",
    generateBundle() {
      const shown = new Set<string>();
      const show = (path: string) => {
        if (shown.has(path)) return;
        shown.add(path);
        // Node's own resolution, unlike a bundler's, wants the extension.
        const source = declarationsOf(path).replace(/(?<=(?:from|import) ")(\.[^"]+)(?=")/gu, (module) => {
          if (!module.startsWith("./"))
            throw new Error(`The types of ${path} need ${module}, which is not in the package`);
          show(join(dirname(path), `${module}.ts`));
          return `${module}.js`;
        });
        this.emitFile({ type: "asset", fileName: basename(path).replace(/\.ts$/u, ".d.ts"), source });
      };
      for (const entry of entries) show(entry);
    },
  };
}

function declarationsOf(path: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(readFileSync(path, "utf8"), {
    fileName: path,
    compilerOptions: OPTIONS,
    reportDiagnostics: true,
  });
  const [first] = diagnostics;
  if (first) throw new Error(`${path}: ${ts.flattenDiagnosticMessageText(first.messageText, "\n")}`);
  return outputText;
}
