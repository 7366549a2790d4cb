// The purchases that were started in this browser. The server says which purchases aren't credited, but not when they were
// started or which pack they are for.
import type { Money } from "./money";

export interface StartedPurchase {
  sessionId: string;
  uid: string;
  pack: { id: string; name: string };
  price: Money | null;
  startedAt: string;
  /** The buyer has dismissed it after it failed. */
  dismissed?: boolean;
}

const KEY = "started-purchases";
const STORED_MAX = 20;

export function startedPurchases(): StartedPurchase[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored : [];
  } catch {
    return [];
  }
}

export const findStarted = (sessionId: string): StartedPurchase | undefined =>
  startedPurchases().find((purchase) => purchase.sessionId === sessionId);

/** Stores a purchase, replacing an older record of it. The newest come first. */
export function saveStarted(purchase: StartedPurchase): void {
  const others = startedPurchases().filter(({ sessionId }) => sessionId !== purchase.sessionId);
  try {
    localStorage.setItem(KEY, JSON.stringify([purchase, ...others].slice(0, STORED_MAX)));
  } catch {
    // The browser stores nothing for this site: the pages work without it.
  }
}

/** Hides a failed purchase, which may have been started in another browser. */
export function dismiss(sessionId: string, uid: string): void {
  const known = findStarted(sessionId);
  const unknown = { sessionId, uid, pack: { id: "", name: "" }, price: null, startedAt: "" };
  saveStarted({ ...(known ?? unknown), dismissed: true });
}
