// Builds the example with the package as it would be published. An app of your own has it in its node_modules.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/react/",
  resolve: {
    alias: {
      "token-economy-elements/react": file("../../package/dist/react.js"),
      "token-economy-elements": file("../../package/dist/index.js"),
    },
  },
  build: { emptyOutDir: true, modulePreload: { polyfill: false } },
});
