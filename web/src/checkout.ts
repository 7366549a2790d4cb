// From a click to Stripe's page: one purchase at a time, no matter what is clicked in the meantime.
import { ApiError, type CheckoutSession, createCheckoutSession } from "./api";
import type { Money } from "./money";
import { currentUser, type User } from "./session";
import { askToSignIn } from "./shell";
import { saveStarted, startedPurchases } from "./started-purchases";
import { texts } from "./texts";

/** A pack as far as buying it is concerned; `price` is null if this page doesn't know it. */
export interface Wanted {
  id: string;
  name: string;
  price: Money | null;
}

const SLOW_AFTER_MS = 8_000;

let isUnderWay = false;

// "Back" may show a page that the browser has kept: it isn't buying anymore.
window.addEventListener("pageshow", () => {
  isUnderWay = false;
});

/**
 * Starts a purchase. If nobody is signed in, or the session has expired, it asks to sign in and then continues.
 * Returns false if nothing was started, because another purchase is under way or the buyer didn't sign in. After true, the
 * browser leaves the page. Calls `onSlow` if Stripe takes longer than usual.
 */
export async function buy(pack: Wanted, onSlow: () => void): Promise<boolean> {
  if (isUnderWay) return false;
  isUnderWay = true;
  try {
    const user = (await currentUser()) ?? (await askToSignIn());
    const started = user && (await order(user, pack, onSlow));
    isUnderWay = Boolean(started);
    if (started) location.assign(started.url);
    return isUnderWay;
  } catch (error) {
    isUnderWay = false;
    throw error;
  }
}

async function order(user: User, pack: Wanted, onSlow: () => void): Promise<CheckoutSession> {
  const slow = window.setTimeout(onSlow, SLOW_AFTER_MS);
  try {
    const session = await createCheckoutSession(user, pack.id, { currency: pack.price?.currency });
    const { id, name, price } = pack;
    const startedAt = new Date().toISOString();
    saveStarted({ sessionId: session.session_id, uid: user.uid, pack: { id, name }, price, startedAt });
    return session;
  } catch (error) {
    clearTimeout(slow);
    if (!needsSignIn(error)) throw error;
    const again = await askToSignIn(texts.errors.signedOut);
    if (!again) throw error;
    return order(again, pack, onSlow);
  } finally {
    clearTimeout(slow);
  }
}

const needsSignIn = (error: unknown) => error instanceof ApiError && error.code === "not_signed_in";

/** What a notice offers after an error: to sign in where that helps, and then to continue. */
export const remedyFor = (error: unknown, retry: () => void) =>
  needsSignIn(error) ? { label: texts.account.signIn, run: retry } : undefined;

/** The package whose purchase was last started in this browser. */
export function lastPackage(): Wanted | null {
  const last = startedPurchases().find(({ pack }) => pack.id !== "");
  return last ? { ...last.pack, price: last.price } : null;
}
