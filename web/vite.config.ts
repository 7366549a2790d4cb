import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { locale, texts } from "./src/texts.ts";

const PAGES = ["index", "buy-tokens", "token-purchase-success", "token-purchase-cancel", "transactions", "404"];
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The <head> that all pages share, with its texts from texts.ts. */
function sharedHead(): Plugin {
  return {
    name: "shared-head",
    transformIndexHtml: {
      order: "pre",
      handler(html, { filename }) {
        const title = `${texts.titles[basename(filename, ".html")]} · ${texts.brand}`;
        const meta = (name: string, content: string, media?: string) => ({
          tag: "meta",
          attrs: { name, content, ...(media ? { media } : {}) },
        });
        return {
          html: html.replace("<html>", `<html lang="${locale}">`),
          tags: [
            { tag: "meta", attrs: { charset: "utf-8" }, injectTo: "head-prepend" },
            { ...meta("viewport", "width=device-width, initial-scale=1"), injectTo: "head-prepend" },
            { ...meta("color-scheme", "light dark"), injectTo: "head-prepend" },
            { ...meta("theme-color", "#f5f1e6", "(prefers-color-scheme: light)"), injectTo: "head" },
            { ...meta("theme-color", "#0c1411", "(prefers-color-scheme: dark)"), injectTo: "head" },
            { tag: "title", children: title, injectTo: "head-prepend" },
            { tag: "link", attrs: { rel: "icon", href: "/favicon.svg", type: "image/svg+xml" }, injectTo: "head" },
            { tag: "noscript", children: texts.noscript, injectTo: "body" },
          ],
        };
      },
    },
  };
}

export default defineConfig({
  plugins: [sharedHead()],
  build: {
    target: "es2022",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        ...Object.fromEntries(PAGES.map((page) => [page, file(`${page}.html`)])),
        "token-balance": file("src/embed.ts"),
      },
      output: {
        // The one file that other pages include keeps its name.
        entryFileNames: ({ name }) => (name === "token-balance" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
