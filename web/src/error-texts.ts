// What an error means to the buyer.
import { ApiError, Unreachable } from "./api";
import { texts } from "./texts";

const LIMIT_FALLBACK_MS = 3_600_000;

export function errorText(error: unknown, now = new Date()): string {
  if (error instanceof ApiError) return refusalText(error, now);
  if (isOffline(error)) return texts.errors.offline;
  return error instanceof Unreachable ? texts.errors.unreachable : texts.errors.unknown;
}

/** Whether the buyer has no connection, as far as the browser and Firebase can tell. */
export function isOffline(error: unknown): boolean {
  if (error instanceof ApiError) return false;
  return !navigator.onLine || (error as { code?: string } | null)?.code === "auth/network-request-failed";
}

function refusalText({ code, status, retryAt }: ApiError, now: Date): string {
  switch (code) {
    case "not_signed_in":
      return texts.errors.signedOut;
    case "purchase_limit":
      return texts.errors.limit(roundedUp(retryAt ?? new Date(now.getTime() + LIMIT_FALLBACK_MS)), now);
    case "stripe_unavailable":
      return texts.errors.stripeAway;
    case "stripe_refused":
      return texts.errors.stripeRefused;
    case "unknown_package":
    case "package_unavailable":
      return texts.errors.packageGone;
  }
  return status === 503 ? texts.errors.unreachable : texts.errors.unknown;
}

/** The page shows minutes, so half a minute too early would be a broken promise. */
function roundedUp(when: Date): Date {
  return new Date(Math.ceil(when.getTime() / 60_000) * 60_000);
}
