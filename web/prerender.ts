// Writes every page as static HTML, in every language: it can be painted, and read by search engines, before any program runs.
//
//   index.html, buy-tokens.html, …   for readers of no language we know: English
//   i18n/en/…, i18n/de/…             Firebase Hosting picks by Accept-Language: "i18n" in firebase.json
import { Window } from "happy-dom";
import { type Plugin, type ResolvedConfig, type Rolldown, runnerImport } from "vite";
import type { Package } from "./src/api.ts";
import type { PageName, StaticPage } from "./src/views/index.ts";

type Views = typeof import("./src/views/index.ts");
type Bundle = Rolldown.OutputBundle;

const THEME_COLORS = { light: "#f5f1e6", dark: "#0c1411" };
const FALLBACK_LANGUAGE = "en";

interface Options {
  pages: string[];
  /** The packs on sale. */
  offers: Package[];
  /** Where the pages will be, such as https://shop.example.com; link previews need it for their picture. */
  siteUrl: string | undefined;
}

export function prerender(options: Options): Plugin {
  let config: ResolvedConfig;
  return {
    name: "prerender",
    enforce: "post", // Vite removes chunks that hold nothing but styles
    configResolved(resolved) {
      config = resolved;
    },
    async generateBundle(_options, bundle) {
      const { LANGUAGES } = await viewsIn(FALLBACK_LANGUAGE, [], config);
      for (const [language, { locale }] of Object.entries(LANGUAGES)) {
        // biome-ignore lint/performance/noAwaitInLoops: one language at a time, because they share a document
        const views = await viewsIn(language, [locale], config);
        for (const [name, source] of pagesIn(language, views, bundle, options)) {
          this.emitFile({ type: "asset", fileName: `i18n/${language}/${name}`, source });
          if (language === FALLBACK_LANGUAGE) this.emitFile({ type: "asset", fileName: name, source });
        }
      }
    },
  };
}

/** Returns the name and the contents of each file of one language. */
function pagesIn(
  language: string,
  views: Views,
  bundle: Bundle,
  { pages, offers, siteUrl }: Options,
): [string, string][] {
  const direction = views.directionOf(language);
  const rendered = pages.map((page) => ({ page, ...views.renderPage(page as PageName, offers) }));
  const files = rendered.map((page): [string, string] => [
    `${page.page}.html`,
    documentOf(page, { language, direction, siteUrl, ...filesOf(bundle, page.page, language) }),
  ]);
  return [...files, ["manifest.webmanifest", manifest(rendered[0]?.brand ?? "", language)]];
}

/** Loads the views as a page in this language would: their texts depend on the document and the browser. */
async function viewsIn(language: string, languages: string[], { root, mode }: ResolvedConfig): Promise<Views> {
  const window = new Window();
  window.document.documentElement.lang = language;
  const { document, DOMParser } = window;
  for (const [name, value] of Object.entries({ document, DOMParser, navigator: { languages } })) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  return (await runnerImport<Views>(`${root}/src/views/index.ts`, { root, mode, configFile: false })).module;
}

interface Files {
  script: string;
  preloads: string[];
  styles: string[];
}

/** Returns what a page loads at once: its program, everything that imports, and the texts of its language. */
function filesOf(bundle: Bundle, page: string, language: string): Files {
  const chunks = Object.values(bundle).filter((output) => output.type === "chunk");
  const entry = chunks.find((chunk) => chunk.isEntry && chunk.name === page);
  const texts = chunks.find((chunk) => chunk.facadeModuleId?.endsWith(`/src/texts/${language}.ts`));
  if (!(entry && texts)) throw new Error(`The build has no program or no texts (${language}) for ${page}`);
  const imported = new Set<string>();
  const follow = (name: string) => {
    const output = bundle[name];
    if (output?.type !== "chunk" || imported.has(name)) return;
    imported.add(name);
    output.imports.forEach(follow);
  };
  entry.imports.forEach(follow);
  const styles = [entry.fileName, ...imported].flatMap((name) => [...stylesOf(bundle[name])]);
  return { script: entry.fileName, preloads: [...imported, texts.fileName], styles: [...new Set(styles)] };
}

const stylesOf = (output: Bundle[string] | undefined): Set<string> =>
  output?.type === "chunk" ? (output.viteMetadata?.importedCss ?? new Set()) : new Set();

interface Frame {
  language: string;
  direction: string;
  siteUrl: string | undefined;
}

function documentOf(
  page: StaticPage,
  { language, direction, siteUrl, script, preloads, styles }: Files & Frame,
): string {
  const head = [
    tag("meta", { charset: "utf-8" }),
    meta("viewport", "width=device-width, initial-scale=1"),
    `<title>${escaped(page.title)}</title>`,
    ...styles.map((file) => tag("link", { rel: "stylesheet", href: `/${file}` })),
    ...preloads.map((file) => tag("link", { rel: "modulepreload", href: `/${file}` })),
    `<script type="module" src="/${script}"></script>`,
    meta("description", page.description),
    ...(page.isPublic ? [] : [meta("robots", "noindex")]),
    meta("color-scheme", "light dark"),
    meta("theme-color", THEME_COLORS.light, "(prefers-color-scheme: light)"),
    meta("theme-color", THEME_COLORS.dark, "(prefers-color-scheme: dark)"),
    tag("link", { rel: "icon", href: "/favicon.svg", type: "image/svg+xml" }),
    tag("link", { rel: "apple-touch-icon", href: "/apple-touch-icon.png" }),
    tag("link", { rel: "manifest", href: "/manifest.webmanifest" }),
    property("og:type", "website"),
    property("og:site_name", page.brand),
    property("og:title", page.title),
    property("og:description", page.description),
    // An image must have a full address, which only the deployment knows.
    ...(siteUrl
      ? [property("og:image", `${siteUrl.replace(/\/$/u, "")}/social.png`), meta("twitter:card", "summary_large_image")]
      : []),
  ];
  return `<!doctype html>
<html lang="${language}" dir="${direction}">
<head>
${head.join("\n")}
</head>
<body>
<noscript><p class="noscript">${escaped(page.noscript)}</p></noscript>
${page.body}
</body>
</html>
`;
}

const meta = (name: string, content: string, media?: string) =>
  tag("meta", { name, content, ...(media ? { media } : {}) });

const property = (name: string, content: string) => tag("meta", { property: name, content });

const tag = (name: string, attributes: Record<string, string>) =>
  `<${name} ${Object.entries(attributes)
    .map(([attribute, value]) => `${attribute}="${escaped(value)}"`)
    .join(" ")}>`;

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replace(/[&<>"]/gu, (character) => ESCAPES[character] ?? character);

function manifest(brand: string, language: string): string {
  const icon = (size: number) => ({ src: `/icon-${size}.png`, sizes: `${size}x${size}`, type: "image/png" });
  return JSON.stringify({
    name: brand,
    short_name: brand,
    lang: language,
    start_url: "/",
    display: "standalone",
    background_color: THEME_COLORS.light,
    theme_color: THEME_COLORS.light,
    icons: [icon(192), icon(512), { src: "/favicon.svg", sizes: "any", type: "image/svg+xml" }],
  });
}
