// What a person is told of an error.
import { ApiError, Unreachable } from "./api";
import { texts } from "./texts";

export function errorText(error: unknown): string {
  if (error instanceof Unreachable) return navigator.onLine ? texts.errors.unreachable : texts.errors.offline;
  if (!(error instanceof ApiError)) return isOffline(error) ? texts.errors.offline : texts.errors.unknown;
  switch (error.code) {
    case "not_signed_in":
      return texts.errors.signedOut;
    case "purchase_limit":
      return texts.errors.limit(roundedUp(error.retryAt ?? new Date(Date.now() + 3_600_000)));
    case "stripe_unavailable":
      return texts.errors.stripeAway;
    case "stripe_refused":
      return texts.errors.stripeRefused;
    case "unknown_package":
    case "package_unavailable":
      return texts.errors.packageGone;
  }
  return error.status === 503 ? texts.errors.unreachable : texts.errors.unknown;
}

/** The minute is shown, so half a minute early would be a broken promise. */
function roundedUp(when: Date): Date {
  return new Date(Math.ceil(when.getTime() / 60_000) * 60_000);
}

function isOffline(error: unknown): boolean {
  return !navigator.onLine || (error as { code?: string } | null)?.code === "auth/network-request-failed";
}
