import { describe, expect, it } from "vitest";
import { offersOf } from "../catalog";
import type { Package } from "../src/api";
import { currenciesOf, inCurrency, pickCurrency } from "../src/currency";
import { priceOf } from "../src/money";

const CATALOG = `${import.meta.dirname}/../../shared/catalog.toml`;
const OFFERS = offersOf(CATALOG, "international");
const POPULAR = OFFERS.find(({ id }) => id === "popular") as Package;
const OFFERED = ["usd", "eur", "gbp", "jpy", "kwd"];

const picked = (locales: string[], setting = "auto", chosen: string | null = null) =>
  pickCurrency(OFFERED, { chosen, setting, locales });

describe("the currencies of packs", () => {
  it("are those that any of them is sold in", () => {
    expect(currenciesOf(OFFERS)).toEqual(OFFERED);
    expect(currenciesOf(offersOf(CATALOG, "default"))).toEqual(["usd"]);
    expect(currenciesOf([])).toEqual([]);
  });
});

describe("a pack in a currency", () => {
  it.each([
    ["eur", 949],
    ["jpy", 1500],
    ["kwd", 3070],
    ["usd", 999],
  ])("%s costs what the catalog says", (currency, amount) => {
    expect(priceOf(inCurrency(POPULAR, currency))).toEqual({ amount, currency });
  });

  it("that it isn't sold in costs what it costs by default", () => {
    expect(inCurrency(POPULAR, "chf")).toEqual(POPULAR);
    expect(priceOf(inCurrency({ ...POPULAR, prices: [] }, "eur"))).toEqual({ amount: 999, currency: "usd" });
  });
});

describe("a buyer's currency", () => {
  it.each([
    [["de-DE", "en"], "eur"],
    [["en-IE"], "eur"],
    [["en-GB"], "gbp"],
    [["ja"], "jpy"],
    [["ar-KW"], "kwd"],
    [["en-US", "de-DE"], "usd"],
    [["de-CH", "fr-FR"], "eur"], // francs are not offered
    [["fr-CA"], "usd"],
    [["not a locale", "ja-JP"], "jpy"],
    [[], "usd"],
  ])("with %j is %s", (locales, currency) => {
    expect(picked(locales)).toBe(currency);
  });

  it("is what the setting says, if packs are sold in it", () => {
    expect(picked(["de-DE"], "gbp")).toBe("gbp");
    expect(picked(["de-DE"], "chf")).toBe("usd");
  });

  it("is what the buyer has chosen, if packs are still sold in it", () => {
    expect(picked(["de-DE"], "gbp", "jpy")).toBe("jpy");
    expect(picked(["de-DE"], "auto", "chf")).toBe("eur");
  });

  it("is none where nothing is sold", () => {
    expect(pickCurrency([], { chosen: null, setting: "auto", locales: ["de"] })).toBeUndefined();
  });
});
