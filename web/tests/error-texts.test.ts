import { describe, expect, it, vi } from "vitest";
import { ApiError, Unreachable } from "../src/api";
import { errorText } from "../src/error-texts";
import { texts } from "../src/texts";

const NOW = new Date(2026, 9, 25, 14, 0, 20);

function refusal(code: string, status: number, retryAfter_s?: number): ApiError {
  const headers: HeadersInit = retryAfter_s === undefined ? {} : { "Retry-After": String(retryAfter_s) };
  vi.setSystemTime(NOW);
  const error = new ApiError(new Response(null, { status, headers }), { code, message: "No" });
  vi.useRealTimers();
  return error;
}

describe("a refusal", () => {
  it.each([
    ["not_signed_in", 401, texts.errors.signedOut],
    ["app_check_failed", 403, texts.errors.appCheck],
    ["too_many_checkouts", 429, texts.errors.tooMany],
    ["stripe_unavailable", 503, texts.errors.stripeAway],
    ["stripe_refused", 502, texts.errors.stripeRefused],
    ["unknown_package", 400, texts.errors.packageGone],
    ["package_unavailable", 400, texts.errors.packageGone],
    ["unknown_currency", 400, texts.errors.currencyGone],
    ["ledger_unavailable", 503, texts.errors.unreachable],
    ["internal", 500, texts.errors.unknown],
  ])("%s is explained", (code, status, text) => {
    expect(errorText(refusal(code, status))).toBe(text);
  });

  it("by the purchase limit names the next full minute, never one too early", () => {
    expect(errorText(refusal("purchase_limit", 429, 90), NOW)).toMatch(/You can buy again at 2:02\sPM\./u);
    expect(errorText(refusal("purchase_limit", 429, 100), NOW)).toMatch(/at 2:02\sPM\./u);
    expect(errorText(refusal("purchase_limit", 429, 101), NOW)).toMatch(/at 2:03\sPM\./u);
  });

  it("by the purchase limit names the day if it isn't today", () => {
    expect(errorText(refusal("purchase_limit", 429, 86_400), NOW)).toMatch(/at 2:01\sPM on Oct 26, 2026\./u);
  });

  it("by the purchase limit assumes an hour if the service doesn't say", () => {
    expect(errorText(refusal("purchase_limit", 429), NOW)).toMatch(/at 3:01\sPM\./u);
  });
});

describe("without an answer", () => {
  it("the service is unreachable", () => {
    expect(errorText(new Unreachable("No answer"))).toBe(texts.errors.unreachable);
  });

  it("the buyer is offline if the browser or Firebase says so", () => {
    expect(errorText({ code: "auth/network-request-failed" })).toBe(texts.errors.offline);
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    expect(errorText(new Unreachable("No answer"))).toBe(texts.errors.offline);
    expect(errorText(new TypeError("Failed to fetch"))).toBe(texts.errors.offline);
  });

  it("anything else is our own fault", () => {
    expect(errorText(new TypeError("undefined is not a function"))).toBe(texts.errors.unknown);
    expect(errorText(null)).toBe(texts.errors.unknown);
  });
});
