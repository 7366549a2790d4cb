import { describe, expect, it } from "vitest";
import { formatsFor } from "../src/formats";
import { decimalsOf, priceOf } from "../src/money";

/** Spaces differ between versions of the locale data. */
const plain = (text: string) => text.replaceAll(/\s/gu, " ");

describe("an amount of money", () => {
  it.each([
    ["en-US", 999, "usd", "$9.99"],
    ["en-US", 1000, "usd", "$10.00"],
    ["en-GB", 999, "usd", "US$9.99"],
    ["de-DE", 999, "eur", "9,99 €"],
    ["de-DE", 4999, "usd", "49,99 $"],
    ["ja-JP", 500, "jpy", "¥500"],
    ["en-US", 500, "jpy", "¥500"],
    ["en-US", 12_345, "kwd", "KWD 12.345"],
    ["en-US", 5000, "kwd", "KWD 5.000"],
    ["en-US", 50_000, "isk", "ISK 500"], // two decimals for Stripe, none for readers
    ["en-US", 999, "afn", "AFN 9.99"], // none for readers, unless there is something to say
    ["en-US", -1000, "usd", "-$10.00"],
  ])("in %s, %d of %s is %s", (locale, amount, currency, text) => {
    expect(plain(formatsFor(locale).money({ amount, currency })).replace("￥", "¥")).toBe(text);
  });

  it("has as many decimals as Stripe says", () => {
    expect(["usd", "EUR", "jpy", "KRW", "kwd", "ugx"].map(decimalsOf)).toEqual([2, 2, 0, 0, 3, 2]);
  });

  it("per token has one more decimal", () => {
    expect(formatsFor("en-US").unitPrice({ amount: 999, currency: "usd" }, 110)).toBe("$0.091");
    expect(formatsFor("en-US").unitPrice({ amount: 499, currency: "usd" }, 50)).toBe("$0.10");
    expect(plain(formatsFor("de-DE").unitPrice({ amount: 999, currency: "eur" }, 110))).toBe("0,091 €");
    expect(formatsFor("en-US").unitPrice({ amount: 500, currency: "jpy" }, 110)).toBe("¥4.5");
  });
});

describe("a pack's price", () => {
  it("is in its currency", () => {
    expect(priceOf({ amount: 500, currency: "jpy" })).toEqual({ amount: 500, currency: "jpy" });
  });
});
