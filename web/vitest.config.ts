import { defineConfig } from "vitest/config";

// Their elements have tags of the pages' own elements: in one process, whoever comes first would have them.
const ELEMENTS = ["tests/buy-tokens.test.ts", "tests/token-balance.test.ts"];

export default defineConfig({
  server: { fs: { allow: [".."] } }, // icons come from node_modules, one folder up
  test: {
    environment: "happy-dom",
    restoreMocks: true,
    unstubGlobals: true,
    projects: [
      {
        extends: true,
        test: { name: "pages", include: ["tests/**/*.test.ts"], exclude: ELEMENTS, isolate: false },
      },
      { extends: true, test: { name: "elements", include: ELEMENTS, isolate: true } },
    ],
  },
});
