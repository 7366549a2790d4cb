// Builds the npm package into dist/, and for pages without a bundler the same file as /elements.js of the pages.
import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { declarations } from "./declarations.ts";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const ENTRIES = { index: file("src/index.ts"), react: file("src/react.ts") };

const hosted: Plugin = {
  name: "hosted",
  writeBundle: () => copyFileSync(file("dist/index.js"), file("../dist/elements.js")),
};

export default defineConfig({
  plugins: [declarations(Object.values(ENTRIES)), hosted],
  publicDir: false,
  build: {
    target: "es2022",
    emptyOutDir: true,
    lib: { entry: ENTRIES, formats: ["es"] },
    // react.js imports the package by its name: one page has one connection, whichever of the two it imports.
    rolldownOptions: { external: ["react", "token-economy-elements"], output: { minify: true } },
  },
});
