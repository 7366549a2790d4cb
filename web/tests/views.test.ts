// The pages as the build writes them.
import { describe, expect, it } from "vitest";
import { offersOf } from "../catalog";
import type { Package } from "../src/api";
import { badgeOf } from "../src/packages";
import { type PageName, renderPage, VIEWS } from "../src/views";
import { packCard } from "../src/views/pack-card";

const CATALOG = `${import.meta.dirname}/../../shared/catalog.toml`;
const OFFERS = offersOf(CATALOG, "default");
const POPULAR = OFFERS.find(({ id }) => id === "popular") as Package;

describe.each(Object.keys(VIEWS) as PageName[])("the page %s", (page) => {
  it("says what it is before any program runs", () => {
    const { body, title, description } = renderPage(page, OFFERS);
    const parsed = new DOMParser().parseFromString(body, "text/html");

    expect(parsed.querySelectorAll("h1")).toHaveLength(1);
    expect(parsed.querySelector("h1")?.textContent).not.toBe("");
    expect(parsed.querySelectorAll("main, header, footer, nav")).toHaveLength(4);
    expect(title).toContain("· Token Economy");
    expect(description.length).toBeGreaterThan(20);
    const ids = [...parsed.querySelectorAll("[id]")].map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });
});

it("pages that belong to somebody are not for search engines", () => {
  const isPublic = (Object.keys(VIEWS) as PageName[]).filter((page) => renderPage(page, []).isPublic);

  expect(new Set(isPublic)).toEqual(new Set(["index", "buy-tokens"]));
});

describe("the catalog's offers", () => {
  it("are what the API offers: the current terms, in their currency", () => {
    expect(OFFERS.map(({ id, amount, currency, price }) => [id, amount, currency, price])).toEqual([
      ["starter", 499, "usd", 4.99],
      ["popular", 999, "usd", 9.99],
      ["pro", 1999, "usd", 19.99],
      ["creator", 4999, "usd", 49.99],
    ]);
    expect(() => offersOf(CATALOG, "none")).toThrow('no catalog "none"');
  });
});

describe("a pack's card", () => {
  const textOf = (pack: Package, selector: string) => packCard(pack).querySelector(selector)?.textContent;

  it("shows its price in its currency", () => {
    expect(textOf(POPULAR, ".price strong")).toBe("$9.99");
    expect(textOf(POPULAR, ".price small")).toBe("$0.091 per token");
    expect(textOf({ ...POPULAR, amount: 1500, currency: "jpy" }, ".price strong")).toBe("¥1,500");
  });

  it("has the badge of its kind, whatever the catalog calls it", () => {
    expect(badgeOf({ badge_kind: "most_popular" })).toEqual({ look: "popular", label: "MOST POPULAR" });
    expect(badgeOf({ badge: "BESTER PREIS", badge_kind: "best_value" })).toEqual({ look: "best", label: "BEST VALUE" });
    expect(badgeOf({ badge: "NEW" })).toEqual({ look: "popular", label: "NEW" });
    expect(badgeOf({})).toBeNull();
  });

  it("that is not on sale has no button and says why", () => {
    const gone = { ...POPULAR, available: false };

    expect(packCard(gone).querySelector("button")).toBeNull();
    expect(textOf(gone, ".why-gone")).toContain("Currently unavailable");
  });
});
