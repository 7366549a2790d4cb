// The texts of this page, in its language. To add a language, see CONTRIBUTING.md.
import { formatsFor } from "../formats";
import type { Texts } from "./en";

export type { Texts };

interface Language {
  /** What the language calls itself. */
  name: string;
  /** How it writes numbers and dates, unless the browser prefers another region. */
  locale: string;
  load(): Promise<{ textsIn(formats: ReturnType<typeof formatsFor>): Texts }>;
}

export const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { name: "English", locale: "en-US", load: () => import("./en") },
  de: { name: "Deutsch", locale: "de-DE", load: () => import("./de") },
};
const FALLBACK = "en";
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

const languageOf = (locale: string) => locale.split("-")[0]?.toLowerCase() ?? "";

export const directionOf = (code: string) => (RIGHT_TO_LEFT.includes(languageOf(code)) ? "rtl" : "ltr");

/** Picks the first language that there is, and the reader's own region of it: Austria for a reader with de-AT. */
export function pick(wanted: string, preferred: readonly string[]): { language: string; locale: string } {
  const found = [wanted, ...preferred].map(languageOf).find((code) => code in LANGUAGES) ?? FALLBACK;
  const region = preferred.find((locale) => languageOf(locale) === found && locale.includes("-"));
  return { language: found, locale: region ?? LANGUAGES[found]?.locale ?? FALLBACK };
}

async function load(wanted: string, preferred: readonly string[]) {
  const picked = pick(wanted, preferred);
  const own = formatsFor(picked.locale);
  const { textsIn } = await (LANGUAGES[picked.language] as Language).load();
  return { language: picked.language, formats: own, texts: textsIn(own) };
}

export const { language, formats, texts } = await load(document.documentElement.lang, navigator.languages);
