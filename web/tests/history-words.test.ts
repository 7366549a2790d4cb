import { describe, expect, it } from "vitest";
import type { Transaction } from "../src/api";
import { describe as describeEntry, toCsv } from "../src/history-words";
import { texts } from "../src/texts";

const NAMES = new Map([["popular", "Popular Pack"]]);
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
  ])("reads: %s", (text, fields) => {
    expect(describeEntry(entry(fields), NAMES)).toBe(text);
  });

  it("never shows its owner an operator's reason", () => {
    const details = { reason: "chargeback farmer, see ticket 7", operator: "ops@example.com" };

    expect(describeEntry(entry({ type: "grant", details }), NAMES)).toBe(texts.history.grant);
    expect(describeEntry(entry({ type: "adjustment", details }), NAMES)).toBe(texts.history.adjustment);
  });

  it("calls a pack just that until names are loaded, and by its id if it has none", () => {
    const purchase = entry({ type: "purchase", amount: 50, details: { packageId: "starter" } });

    expect(describeEntry(purchase, undefined)).toBe("token pack");
    expect(describeEntry(purchase, NAMES)).toBe("starter");
  });
});

describe("the CSV file", () => {
  const rowsOf = (text: string) => text.split("\r\n");

  it("has a row for each entry under its columns", () => {
    const details = { ...POPULAR, paymentAmountUSD: 9.99 };

    const [columns, row, end] = rowsOf(
      toCsv([entry({ type: "purchase", amount: 110, balanceAfter: 119, details })], NAMES),
    );

    expect(columns?.split(",")).toHaveLength(8);
    expect(row).toBe("2026-01-01T10:00:00Z,Purchase,Popular Pack,popular,110,119,9.99,entry-1");
    expect(end).toBe("");
  });

  it.each([
    ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
    ["+1", "'+1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    ["one, two", '"one, two"'],
    ['a "large" one', '"a ""large"" one"'],
    ['=a,"b"', '"\'=a,""b"""'],
    ["two\nlines", '"two\nlines"'],
  ])("quotes and defuses %j", (reason, cell) => {
    expect(toCsv([entry({ details: { reason } })], NAMES)).toContain(`,${cell},`);
  });

  it("leaves negative amounts as the numbers they are", () => {
    expect(rowsOf(toCsv([entry({ amount: -7, balanceAfter: -2 })], NAMES))[1]).toContain(",-7,-2,");
  });
});
