// What an error means to the buyer, in the words of whoever shows it.
import { ApiError, Unreachable } from "./api";
import type { ElementTexts } from "./texts/elements-en";

const LIMIT_FALLBACK_MS = 3_600_000;

export function errorTextIn(words: ElementTexts["errors"], error: unknown, now: Date): string {
  if (error instanceof ApiError) return refusalText(words, error, now);
  if (isOffline(error)) return words.offline;
  return error instanceof Unreachable ? words.unreachable : words.unknown;
}

/** Whether the buyer has no connection, as far as the browser and Firebase can tell. */
export function isOffline(error: unknown): boolean {
  if (error instanceof ApiError) return false;
  return !navigator.onLine || (error as { code?: string } | null)?.code === "auth/network-request-failed";
}

function refusalText(words: ElementTexts["errors"], { code, status, retryAt }: ApiError, now: Date): string {
  switch (code) {
    case "not_signed_in":
      return words.signedOut;
    case "purchase_limit":
      return words.limit(roundedUp(retryAt ?? new Date(now.getTime() + LIMIT_FALLBACK_MS)), now);
    case "app_check_failed":
      return words.appCheck;
    case "too_many_checkouts":
      return words.tooMany;
    case "stripe_unavailable":
      return words.stripeAway;
    case "stripe_refused":
      return words.stripeRefused;
    case "unknown_package":
    case "package_unavailable":
      return words.packageGone;
    case "unknown_currency":
      return words.currencyGone;
  }
  return status === 503 ? words.unreachable : words.unknown;
}

/** The page shows minutes, so half a minute too early would be a broken promise. */
function roundedUp(when: Date): Date {
  return new Date(Math.ceil(when.getTime() / 60_000) * 60_000);
}
