import { describe, expect, it } from "vitest";
import type { Transaction } from "../src/api";
import { type Context, describe as describeEntry, moneyOf, toCsv } from "../src/history-words";
import { texts } from "../src/texts";

const CONTEXT: Context = { names: new Map([["popular", "Popular Pack"]]), entries: [] };
const POPULAR = { packageId: "popular" };

function entry(fields: Partial<Transaction>): Transaction {
  return {
    id: "entry-1",
    userId: "ada",
    type: "spend",
    amount: -1,
    timestamp: "2026-01-01T10:00:00Z",
    balanceAfter: 9,
    details: {},
    ...fields,
  };
}

describe("an entry", () => {
  it.each<[string, Partial<Transaction>]>([
    ["Popular Pack", { type: "purchase", amount: 100, details: POPULAR }],
    ["Popular Pack, with 10 bonus tokens", { type: "purchase", amount: 110, details: { ...POPULAR, bonus: 10 } }],
    ["Refund for the Popular Pack", { type: "refund", amount: -110, details: POPULAR }],
    [
      "A refund for the Popular Pack failed, so your tokens are back",
      { type: "refund", amount: 110, details: POPULAR },
    ],
    ["The payment for the Popular Pack was disputed", { type: "dispute", amount: -110, details: POPULAR }],
    [
      "The dispute over the Popular Pack was resolved, so your tokens are back",
      { type: "dispute_reversal", amount: 110, details: POPULAR },
    ],
    ["A portrait in oil", { type: "spend", details: { reason: "A portrait in oil" } }],
    ["Used in the app", { type: "spend" }],
    ["The picture was blank", { type: "spend_reversal", amount: 1, details: { reason: "The picture was blank" } }],
    ["Tokens you got back", { type: "spend_reversal", amount: 1 }],
    ["A gift from us", { type: "grant", amount: 12, balanceAfter: 12 }],
    ["A gift to welcome you", { type: "grant", amount: 12, balanceAfter: 12, details: { welcome: true } }],
    [
      "Thanks for voting",
      { type: "grant", amount: 12, details: { reason: "Thanks for voting", idempotencyKey: "v1" } },
    ],
    [
      "Welcome. 12 tokens expire on December 1, 2026",
      {
        type: "grant",
        amount: 12,
        balanceAfter: 20,
        details: { reason: "Welcome", idempotencyKey: "w", expiresAt: "2026-12-02T00:00:00Z", expiring: 12 },
      },
    ],
    [
      "A gift from us. 1 token expires on December 1, 2026", // the other 11 paid a debt
      { type: "grant", amount: 12, balanceAfter: 4, details: { expiresAt: "2026-12-02T00:00:00Z", expiring: 1 } },
    ],
    [
      "A gift from us",
      { type: "grant", amount: 12, balanceAfter: -3, details: { expiresAt: "2026-12-02T00:00:00Z", expiring: 0 } },
    ],
    ["Not used by December 1, 2026", { type: "expiry", details: { expiredAt: "2026-12-02T00:00:00Z" } }],
  ])("reads: %s", (text, fields) => {
    expect(describeEntry(entry(fields), CONTEXT)).toBe(text);
  });

  it("never shows its owner an operator's reason", () => {
    const details = { reason: "chargeback farmer, see ticket 7", operator: "ops@example.com" };

    expect(describeEntry(entry({ type: "grant", details }), CONTEXT)).toBe(texts.history.grant);
    expect(describeEntry(entry({ type: "adjustment", details }), CONTEXT)).toBe(texts.history.adjustment);
  });

  it("calls a pack just that until names are loaded, and by its id if it has none", () => {
    const purchase = entry({ type: "purchase", amount: 50, details: { packageId: "starter" } });

    expect(describeEntry(purchase, { entries: [] })).toBe("token pack");
    expect(describeEntry(purchase, CONTEXT)).toBe("starter");
  });
});

/** A purchase of 50 tokens, and two refunds of it; the newest first. */
const PAID = { packageId: "popular", stripeSessionId: "cs_1" };
const PURCHASE = entry({
  id: "purchase:cs_1",
  type: "purchase",
  amount: 50,
  details: { ...PAID, paymentAmountCents: 4999, currency: "usd" },
});
const FIRST = entry({ id: "refund:re_1", type: "refund", amount: -10, details: { ...PAID, refundedCents: 1000 } });
const SECOND = entry({ id: "refund:re_2", type: "refund", amount: -40, details: { ...PAID, refundedCents: 4999 } });
const ENTRIES = [SECOND, FIRST, PURCHASE];

describe("a refund", () => {
  it("says how much of the payment came back", () => {
    expect(describeEntry(FIRST, { ...CONTEXT, entries: ENTRIES })).toBe(
      "$10.00 of $49.99 refunded for the Popular Pack",
    );
    expect(describeEntry(SECOND, { ...CONTEXT, entries: ENTRIES })).toBe("$49.99 refunded for the Popular Pack");
  });

  it("says nothing about amounts while its purchase isn't known", () => {
    expect(describeEntry(FIRST, CONTEXT)).toBe("Refund for the Popular Pack");
    const otherPurchase = { ...PURCHASE, details: { ...PURCHASE.details, stripeSessionId: "cs_2" } };
    expect(describeEntry(FIRST, { ...CONTEXT, entries: [otherPurchase] })).toBe("Refund for the Popular Pack");
  });

  it("that knows the payment itself needs no purchase", () => {
    const details = { ...FIRST.details, paymentAmountCents: 4999, currency: "eur" };

    expect(describeEntry({ ...FIRST, details }, CONTEXT)).toBe("€10.00 of €49.99 refunded for the Popular Pack");
  });
});

describe("money", () => {
  it("is what the entry says that it moved, in its own currency", () => {
    const disputed = entry({ type: "dispute", details: { ...PAID, paymentAmount: -1500, currency: "jpy" } });

    expect(moneyOf(disputed)).toEqual({ amount: -1500, currency: "jpy" });
  });

  it("of a purchase of version 0.1 is what was paid", () => {
    expect(moneyOf(PURCHASE)).toEqual({ amount: 4999, currency: "usd" });
  });

  it("is none where nothing was paid, or nobody noted it", () => {
    expect(moneyOf(entry({}))).toBeNull();
    expect(moneyOf(FIRST)).toBeNull();
  });
});

describe("the CSV file", () => {
  const rowsOf = (text: string) => text.split("\r\n");

  it("has a row for each entry under its columns", () => {
    const details = { ...POPULAR, paymentAmountCents: 999, currency: "usd" };

    const [columns, row, end] = rowsOf(
      toCsv([entry({ type: "purchase", amount: 110, balanceAfter: 119, details })], CONTEXT),
    );

    expect(columns?.split(",")).toHaveLength(9);
    expect(row).toBe("2026-01-01 10:00:00,Purchase,Popular Pack,popular,110,119,9.99,USD,entry-1");
    expect(end).toBe("");
  });

  it.each([
    ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
    ["+1", "'+1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    [" =1+1", "' =1+1"],
    ["＝1+1", "'＝1+1"],
    ["a;=1+1;b", "a;'=1+1;b"], // where lists are separated by semicolons
    ["a; -1", "a;' -1"],
    ["two\n=lines", '"two\n\'=lines"'],
    ["5 - 3 = 2", "5 - 3 = 2"],
    ["one, two", '"one, two"'],
    ['a "large" one', '"a ""large"" one"'],
    ['=a,"b"', '"\'=a,""b"""'],
    ["two\nlines", '"two\nlines"'],
  ])("quotes and defuses %j", (reason, cell) => {
    expect(toCsv([entry({ details: { reason } })], CONTEXT)).toContain(`,${cell},`);
  });

  it("leaves negative amounts as the numbers they are", () => {
    expect(rowsOf(toCsv([entry({ amount: -7, balanceAfter: -2 })], CONTEXT))[1]).toContain(",-7,-2,");
  });
});
