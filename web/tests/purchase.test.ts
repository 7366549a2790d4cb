import { beforeEach, describe, expect, it } from "vitest";
import type { AccountState } from "../src/account";
import type { Transaction } from "../src/api";
import { lastPackage } from "../src/checkout";
import type { OpenPurchase } from "../src/live";
import { creditOf, isSessionId, stageOf, takenBack } from "../src/purchase";
import { receiptOf } from "../src/purchase-receipt";
import type { User } from "../src/session";
import { dismiss, findStarted, saveStarted, startedPurchases } from "../src/started-purchases";

const ADA = { uid: "ada", email: "ada@example.com" } as User;
const SESSION = "cs_test_1";

const account = (openPurchases: Record<string, OpenPurchase> = {}): AccountState => ({
  status: "known",
  reserved: 0,
  user: ADA,
  balance: 0,
  openPurchases,
});

const started = (sessionId: string, uid = "ada") => ({
  sessionId,
  uid,
  pack: { id: "popular", name: "Popular Pack" },
  price: { amount: 999, currency: "usd" },
  startedAt: "2026-01-01T10:00:00Z",
});

function entry(fields: Partial<Transaction>): Transaction {
  const details = { packageId: "popular", stripeSessionId: SESSION, ...fields.details };
  const usual = { userId: "ada", timestamp: "2026-01-01T10:00:00Z", balanceAfter: 110 };
  return { id: "", type: "purchase", amount: 110, ...usual, ...fields, details };
}

const PURCHASE = entry({ id: `purchase:${SESSION}`, details: { paymentAmountCents: 999, currency: "usd" } });

beforeEach(() => localStorage.clear());

describe("a session's id", () => {
  it("is Stripe's; nothing else in the address is taken for one", () => {
    expect(["cs_test_a1B2", "cs_live_a1"].every(isSessionId)).toBe(true);
    expect(["", "cs_1", "pi_test_1", "cs_test_", "cs_test_<b>", `cs_test_${"x".repeat(3000)}`].some(isSessionId)).toBe(
      false,
    );
  });
});

describe("a purchase without an entry", () => {
  it("is what the account says it is", () => {
    expect(stageOf(SESSION, account({ [SESSION]: "waiting" }), false)).toEqual({ stage: "delayed" });
    expect(stageOf(SESSION, account({ [SESSION]: "held" }), true)).toEqual({ stage: "held" });
    expect(stageOf(SESSION, account({ cs_other: "held" }), false)).toEqual({ stage: "confirming" });
    expect(stageOf(SESSION, { status: "signed-out" }, false)).toEqual({ stage: "signed-out" });
  });

  it("is another account's if that started it in this browser", () => {
    saveStarted(started(SESSION, "bob"));

    expect(stageOf(SESSION, account(), false)).toEqual({ stage: "other-account", who: "ada@example.com" });
  });

  it("is slow after a while, and may be another account's unless it was started here", () => {
    expect(stageOf(SESSION, account(), true)).toEqual({ stage: "slow", who: "ada@example.com", isFromHere: false });
    saveStarted(started(SESSION));
    expect(stageOf(SESSION, account(), true)).toEqual({ stage: "slow", who: "ada@example.com", isFromHere: true });
  });
});

describe("a purchase with an entry", () => {
  it("is credited, with what happened to it since", () => {
    const refund = entry({ id: "refund:re_1", type: "refund", amount: -11 });
    const other = entry({ id: "refund:re_2", type: "refund", details: { stripeSessionId: "cs_test_2" } });

    expect(creditOf(SESSION, [PURCHASE, refund, other])).toEqual({
      stage: "credited",
      purchase: PURCHASE,
      later: [refund],
    });
    expect(creditOf(SESSION, [refund])).toBeNull();
  });

  it("counts what was taken back, less what came back", () => {
    const taken = [-11, -99, 50].map((amount) => entry({ type: "refund", amount }));

    expect(takenBack(taken)).toBe(60);
    expect(takenBack([])).toBe(0);
  });
});

describe("a receipt", () => {
  const BUYER = { getIdToken: async () => "adas-token" };
  const names = new Map([["popular", "Popular Pack"]]);
  const textOf = (purchase: Transaction, later: Transaction[] = [], isRecent = false) => {
    const page = document.createElement("div");
    page.append(...receiptOf({ purchase, later, isRecent, names, buyer: BUYER }));
    return { title: page.querySelector("h1")?.textContent, lead: page.querySelector(".lead")?.textContent, page };
  };

  it("celebrates news, and states what is old", () => {
    expect(textOf(PURCHASE, [], true).title).toBe("110 tokens are yours");
    expect(textOf(PURCHASE).title).toBe("You bought 110 tokens");
  });

  it("has the date, the money and the balance after the purchase", () => {
    const { page } = textOf(PURCHASE);
    const rows = [...page.querySelectorAll("dl > div")].map((row) => row.querySelector("dd")?.textContent);

    expect(rows.slice(1, 5)).toEqual(["Popular Pack", "+110", "$9.99", "110"]);
    expect(rows[0]).toContain("2026");
  });

  it("leads to Stripe's own, if something was paid", () => {
    const paid = entry({ ...PURCHASE, details: { ...PURCHASE.details, stripePaymentIntentId: "pi_1" } });

    expect(textOf(paid).page.querySelector(".actions button")?.textContent).toBe("View Stripe's receipt");
    expect(textOf(PURCHASE).page.querySelector("button[data-testid=stripe-receipt]")).toBeNull();
  });

  it("says that a purchase covered a debt, or part of it", () => {
    expect(textOf(entry({ ...PURCHASE, balanceAfter: 80 })).page.textContent).toContain(
      "You owed 30 tokens. This purchase covered them first.",
    );
    const { page } = textOf(entry({ ...PURCHASE, balanceAfter: -40 }));
    expect(page.textContent).toContain(
      "You owed 150 tokens, so this purchase went toward them. You still owe 40 tokens.",
    );
    expect(page.querySelector(".actions .primary")?.textContent).toBe("Buy tokens");
  });

  it("shows a partial refund with its money and its tokens", () => {
    const refund = entry({ type: "refund", amount: -11, details: { refundedCents: 100 } });
    const { title, lead, page } = textOf(PURCHASE, [refund]);

    expect(title).toBe("You bought 110 tokens");
    expect(lead).toBe("11 tokens of this purchase were taken back since.");
    expect(page.querySelector("[data-testid=later]")?.textContent).toBe("$1.00 of $9.99 refunded for the Popular Pack");
    expect(page.querySelector(".actions .primary")?.textContent).toBe("Start creating");
  });

  it("says so when everything went back", () => {
    const refund = entry({ type: "refund", amount: -110, details: { refundedCents: 999 } });
    const dispute = entry({ type: "dispute", amount: -110 });

    expect(textOf(PURCHASE, [refund], true).title).toBe("This purchase was refunded");
    expect(textOf(PURCHASE, [dispute], true).title).toBe("This purchase was disputed");
    expect(textOf(PURCHASE, [refund]).page.querySelector(".actions .primary")?.textContent).toBe("Buy tokens");
  });
});

describe("the purchases started in this browser", () => {
  it("are kept, the newest first, up to twenty", () => {
    for (let number = 1; number <= 25; number++) saveStarted(started(`cs_${number}`));

    expect(startedPurchases()).toHaveLength(20);
    expect(startedPurchases()[0]?.sessionId).toBe("cs_25");
    expect(lastPackage()).toEqual({ id: "popular", name: "Popular Pack", price: { amount: 999, currency: "usd" } });
  });

  it("can be dismissed, known or not", () => {
    saveStarted(started("cs_1"));
    dismiss("cs_1", "ada");
    dismiss("cs_unknown", "ada");

    expect(findStarted("cs_1")).toMatchObject({ dismissed: true, pack: { name: "Popular Pack" } });
    expect(findStarted("cs_unknown")).toMatchObject({ dismissed: true, uid: "ada" });
    expect(lastPackage()?.id).toBe("popular");
  });

  it("are none if the browser keeps nothing, or nonsense", () => {
    for (const stored of ["{", '{"a":1}', "null"]) {
      localStorage.setItem("started-purchases", stored);
      expect(startedPurchases()).toEqual([]);
    }
    expect(lastPackage()).toBeNull();
  });
});
