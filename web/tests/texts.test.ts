import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { formatsFor } from "../src/formats";
import { directionOf, LANGUAGES, pick, type Texts } from "../src/texts";
import { elementTextsIn as german } from "../src/texts/elements-de";
import { elementTextsIn as english } from "../src/texts/elements-en";

const catalogs = parse(readFileSync(`${import.meta.dirname}/../../shared/catalog.toml`, "utf8")) as unknown as Record<
  string,
  { name: string; description: string; badge?: string }[]
>;

/** Every text with the path that leads to it; functions are called with what they might get. */
function textsOf(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [[path, String(value(...(ARGUMENTS.get(path) ?? [2, 3, 4])))]];
  return Object.entries(value as object).flatMap(([key, inner]) => textsOf(inner, path ? `${path}.${key}` : key));
}

const ARGUMENTS = new Map<string, unknown[]>([
  ["errors.limit", [new Date(2026, 9, 26, 14, 5), new Date(2026, 9, 25)]],
  ["elements.errors.limit", [new Date(2026, 9, 26, 14, 5), new Date(2026, 9, 25)]],
  ["account.signedInAs", ["ada@example.com"]],
]);

const ELEMENTS = { en: english, de: german } as Record<string, typeof english>;

async function textsIn(language: string): Promise<Texts> {
  const { load, locale } = LANGUAGES[language] as (typeof LANGUAGES)[string];
  return (await load()).textsIn(formatsFor(locale));
}

describe("a language", () => {
  it("follows the page, then the reader", () => {
    expect(pick("de", ["en-US"])).toEqual({ language: "de", locale: "de-DE" });
    expect(pick("", ["fr-FR", "de-AT"])).toEqual({ language: "de", locale: "de-AT" });
    expect(pick("fr", ["es"])).toEqual({ language: "en", locale: "en-US" });
  });

  it("has the numbers of the reader's own region", () => {
    expect(pick("en", ["de-DE", "en-GB", "en-US"])).toEqual({ language: "en", locale: "en-GB" });
    expect(pick("en", ["en"])).toEqual({ language: "en", locale: "en-US" });
  });

  it("runs in its direction", () => {
    expect(["en", "de", "ar", "he-IL"].map(directionOf)).toEqual(["ltr", "ltr", "rtl", "rtl"]);
  });
});

describe.each(Object.keys(LANGUAGES))("the texts in %s", (language) => {
  it("are complete, and none is left in English by mistake", async () => {
    const all = async (code: string) => ({ ...(await textsIn(code)), elements: ELEMENTS[code]?.(formatsFor(code)) });
    const inEnglish = new Map(textsOf(await all("en")));
    const own = textsOf(await all(language)).filter(([path]) => !path.startsWith("catalog."));

    expect(new Set(own.map(([path]) => path))).toEqual(new Set(inEnglish.keys()));
    expect(own.filter(([, text]) => text.trim() === "")).toEqual([]);
    const same = own.filter(([path, text]) => language !== "en" && inEnglish.get(path) === text).map(([path]) => path);
    expect(same.filter((path) => !SAME_EVERYWHERE.includes(path))).toEqual([]);
  });

  it("have a translation for everything in the catalogs", async () => {
    const { catalog, buy } = await textsIn(language);
    const words = Object.values(catalogs)
      .flat()
      .flatMap(({ name, description }) => [name, description]);

    const untranslated = words.filter((text) => language !== "en" && !(text in catalog));

    expect(untranslated).toEqual([]);
    expect(Object.keys(buy.badges)).toEqual(["most_popular", "best_value"]);
  });
});

it("says in each language which tokens expire when", async () => {
  const saidIn = async (language: string, count: number) => {
    const { history } = await textsIn(language);
    const locale = LANGUAGES[language]?.locale ?? "";
    return history.grantThatExpires("…", count, formatsFor(locale).utcDay(new Date("2026-12-01T23:59:59.999Z")));
  };

  expect(await saidIn("en", 12)).toBe("…. 12 tokens expire on December 1, 2026");
  expect(await saidIn("de", 12)).toBe("…. 12 Token verfallen am 1. Dezember 2026");
  expect(await saidIn("de", 1)).toBe("…. 1 Token verfällt am 1. Dezember 2026");
});

const SAME_EVERYWHERE = [
  "brand",
  "history.filter.label",
  "history.purchase",
  "history.types.dispute",
  "accountPage.methods.google.com",
  "history.open.started",
  "account.menu",
];
