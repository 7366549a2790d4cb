import { describe, expect, it, vi } from "vitest";
import {
  ApiError,
  createCheckoutSession,
  getBalance,
  getReceipt,
  listPackages,
  listTransactions,
  sendAppCheck,
  Unreachable,
} from "../src/api";

const ADA = { getIdToken: async () => "adas-token" };

/** Answers every request, and returns them. */
function answerWith(body: unknown, init: ResponseInit = {}): { url: string; request: RequestInit }[] {
  const requests: { url: string; request: RequestInit }[] = [];
  vi.stubGlobal("fetch", async (url: string, request: RequestInit) => {
    requests.push({ url, request });
    return new Response(typeof body === "string" ? body : JSON.stringify(body), init);
  });
  return requests;
}

const refusal = (code: string) => ({ success: false, error: { code, message: "No" } });

describe("a request", () => {
  it("carries the caller's token", async () => {
    const requests = answerWith({ success: true, balance: 7 });

    expect(await getBalance(ADA)).toMatchObject({ balance: 7 });
    expect(requests[0]?.request.headers).toEqual({ Authorization: "Bearer adas-token" });
  });

  it("carries no token where none is needed", async () => {
    const requests = answerWith({ success: true, packages: [] });

    expect(await listPackages()).toEqual([]);
    expect(requests[0]?.request.headers).toEqual({});
  });

  it("carries App Check's token, if there is one, beside the caller's", async () => {
    const requests = answerWith({ success: true, balance: 7, packages: [] });
    sendAppCheck(async () => "our-pages");
    await getBalance(ADA);
    await listPackages();
    sendAppCheck(async () => null);
    await getBalance(ADA);

    expect(requests.map(({ request }) => request.headers)).toEqual([
      { Authorization: "Bearer adas-token", "X-Firebase-AppCheck": "our-pages" },
      {},
      { Authorization: "Bearer adas-token" },
    ]);
  });

  it("waits for an order, and for a receipt, as long as the service waits for Stripe", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    answerWith({ success: true, session_id: "cs_1", url: "https://stripe.example" });
    await createCheckoutSession(ADA, "popular");
    await getReceipt(ADA, "cs_test_1");
    await getBalance(ADA);

    expect(timeout.mock.calls).toEqual([[55_000], [55_000], [20_000]]); // three tries of 10 s each; Hosting gives up after 60 s
  });

  it("posts an order as JSON", async () => {
    const requests = answerWith({ success: true, session_id: "cs_1", url: "https://stripe.example" });

    await createCheckoutSession(ADA, "popular");

    expect(requests[0]).toMatchObject({
      url: "/api/tokens/create-checkout-session",
      request: { method: "POST", body: '{"package":"popular"}', headers: { "Content-Type": "application/json" } },
    });
  });

  it("asks for the next page by its cursor", async () => {
    const requests = answerWith({ success: true, transactions: [], next_cursor: null });

    await listTransactions(ADA, { cursor: "a b" });
    await listTransactions(ADA, { limit: 100, cursor: null });

    expect(requests.map(({ url }) => url)).toEqual([
      "/api/tokens/transactions?limit=20&cursor=a+b",
      "/api/tokens/transactions?limit=100",
    ]);
  });
});

describe("a refusal", () => {
  it("has the service's code and status", async () => {
    answerWith(refusal("unknown_package"), { status: 400 });

    const error = await createCheckoutSession(ADA, "none").catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 400, code: "unknown_package", retryAt: null });
  });

  it("says when to try again", async () => {
    vi.setSystemTime("2026-01-01T10:00:00Z");
    answerWith(refusal("purchase_limit"), { status: 429, headers: { "Retry-After": "90" } });

    const error = await createCheckoutSession(ADA, "popular").catch((cause: unknown) => cause);

    expect(error).toMatchObject({ retryAt: new Date("2026-01-01T10:01:30Z") });
    vi.useRealTimers();
  });

  it("is unreachable when it isn't the service's own", async () => {
    answerWith("<h1>Bad Gateway</h1>", { status: 502 });
    await expect(getBalance(ADA)).rejects.toBeInstanceOf(Unreachable);

    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    await expect(getBalance(ADA)).rejects.toBeInstanceOf(Unreachable);
  });
});
