import { defineConfig } from "vite";

export default defineConfig({
  build: { target: "es2022", emptyOutDir: true }, // es2022: main.ts awaits at its top level
});
