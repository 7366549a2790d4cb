import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Transaction } from "../src/api";
import { stripeReceipt } from "../src/stripe-receipt";
import { texts } from "../src/texts";

const ADA = { getIdToken: async () => "adas-token" };
const URL_AT_STRIPE = "https://pay.stripe.com/receipts/payment/1";
const words = texts.success;

const purchase = (details: Transaction["details"]): Transaction => ({
  id: "purchase:cs_test_1",
  userId: "ada",
  type: "purchase",
  amount: 110,
  balanceAfter: 110,
  timestamp: "2026-01-01T10:00:00Z",
  details,
});

const PAID = purchase({ stripeSessionId: "cs_test_1", stripePaymentIntentId: "pi_1" });

/** Puts the button on the page; returns it, the place for its notice, and where the browser was sent. */
function show(entry = PAID) {
  const assign = vi.spyOn(location, "assign").mockImplementation(() => {});
  const shown = stripeReceipt(entry, ADA);
  if (!shown) throw new Error("There is no button");
  document.body.replaceChildren(shown.button, shown.place);
  return { ...shown, assign };
}

/** Answers requests one by one; returns their addresses. */
function answerWith(...answers: [status: number, body: object][]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    const [status, body] = answers.shift() ?? [500, {}];
    return new Response(JSON.stringify(body), { status });
  });
  return asked;
}

const refusal = (code: string) => ({ success: false, error: { code, message: "No" } });

beforeEach(() => {
  Element.prototype.scrollIntoView = vi.fn();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the way to Stripe's receipt", () => {
  it("is a button that asks for the address when it is clicked, and goes there", async () => {
    const asked = answerWith([200, { success: true, url: URL_AT_STRIPE }]);
    const { button, assign } = show();
    expect(asked).toEqual([]);

    button.click();
    button.click(); // busy: not asked twice

    await vi.waitFor(() => expect(assign).toHaveBeenCalledWith(URL_AT_STRIPE));
    expect(asked).toEqual(["/api/tokens/receipt?session_id=cs_test_1"]);
    expect([button.localName, button.textContent]).toEqual(["button", "View Stripe's receipt"]);
    await vi.waitFor(() => expect(button.ariaDisabled).toBeNull()); // for whoever comes back
  });

  it("is called an invoice where there is one", () => {
    const { button } = show(purchase({ stripeSessionId: "cs_test_1", stripeInvoiceId: "in_1" }));

    expect(button.textContent).toBe("View invoice");
  });

  it.each([
    ["that cost nothing", { stripeSessionId: "cs_test_1", stripePaymentIntentId: null }],
    ["without a session", { stripePaymentIntentId: "pi_1" }],
    ["without anything of Stripe's", {}],
  ])("is not offered for a purchase %s", (_, details) => {
    expect(stripeReceipt(purchase(details), ADA)).toBeNull();
  });

  it.each([
    ["no_receipt", 404, words.noStripeReceipt],
    ["unknown_purchase", 404, words.noStripeReceipt],
    ["stripe_unavailable", 503, words.stripeReceiptFailed],
    ["stripe_refused", 502, words.stripeReceiptFailed],
    ["too_many_receipts", 429, words.stripeReceiptFailed],
    ["ledger_unavailable", 503, texts.errors.unreachable],
    ["not_signed_in", 401, texts.errors.signedOut],
  ])("says what %s means, and stays", async (code, status, text) => {
    answerWith([status, refusal(code)]);
    const { button, place, assign } = show();

    button.click();

    await vi.waitFor(() => expect(place.textContent).toContain(text));
    expect(place.getAttribute("role")).toBe("alert");
    expect(place.querySelectorAll("button")).toHaveLength(status === 404 ? 0 : 1);
    expect(assign).not.toHaveBeenCalled();
  });

  it("can be tried again", async () => {
    answerWith([503, refusal("stripe_unavailable")], [200, { success: true, url: URL_AT_STRIPE }]);
    const { button, place, assign } = show();
    button.click();
    await vi.waitFor(() => expect(place.querySelector("button")).not.toBeNull());
    await vi.waitFor(() => expect(button.ariaDisabled).toBeNull());

    place.querySelector("button")?.click();

    await vi.waitFor(() => expect(assign).toHaveBeenCalledWith(URL_AT_STRIPE));
    expect(place.textContent).toBe("");
    expect(document.activeElement).toBe(button);
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,hello",
    " https://pay.stripe.com",
    "//pay.stripe.com",
    "/receipt",
    "",
  ])("does not go to %j", async (url) => {
    answerWith([200, { success: true, url }]);
    const { button, place, assign } = show();

    button.click();

    await vi.waitFor(() => expect(place.textContent).toContain(texts.errors.unknown));
    expect(assign).not.toHaveBeenCalled();
  });
});
