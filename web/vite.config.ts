import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { offersOf } from "./catalog.ts";
import { prerender } from "./prerender.ts";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const PAGES = [
  "index",
  "buy-tokens",
  "token-purchase-success",
  "token-purchase-cancel",
  "transactions",
  "account",
  "404",
];

// The same catalog as list_packages has: TOKEN_CATALOG.
const offers = offersOf(file("../shared/catalog.toml"), process.env["TOKEN_CATALOG"] ?? "default");

export default defineConfig({
  plugins: [prerender({ pages: PAGES, offers, siteUrl: process.env["VITE_SITE_URL"] })],
  build: {
    target: "es2022",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      checks: { pluginTimings: false }, // writing the static pages takes its two seconds
      input: {
        ...Object.fromEntries(PAGES.map((page) => [page, file(`src/pages/${page}.ts`)])),
        "token-balance": file("src/embed.ts"),
      },
      output: {
        // The one file that other pages include keeps its name.
        entryFileNames: ({ name }) => (name === "token-balance" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
