import { defineConfig } from "vitest/config";

export default defineConfig({
  server: { fs: { allow: [".."] } }, // icons come from node_modules, one folder up
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "happy-dom",
    isolate: false,
    restoreMocks: true,
    unstubGlobals: true,
  },
});
