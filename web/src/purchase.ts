// Follows one purchase from payment to credit, and what happens to it afterwards.
import { type AccountState, nameOf } from "./account";
import { listTransactions, type Transaction } from "./api";
import { purchaseId, watchPurchase } from "./live";
import { repeatWhileVisible } from "./repeat";
import type { User } from "./session";
import { findStarted } from "./started-purchases";

/** What is known of a purchase. In `credited`, `later` are its refunds and disputes, oldest first. */
export type PurchaseState =
  | { stage: "confirming" | "delayed" | "failed" | "held" | "rejected" | "signed-out" | "unknown" }
  | { stage: "slow"; who: string; isFromHere: boolean }
  | { stage: "other-account"; who: string }
  | { stage: "credited"; purchase: Transaction; later: Transaction[] };

/** Whether a text can be the id of a Checkout Session. */
export const isSessionId = (text: string) => /^cs_(?:test|live)_\w{1,200}$/u.test(text);

/** What to show of a purchase while it has no ledger entry. */
export function stageOf(sessionId: string, account: AccountState, isSlow: boolean): PurchaseState {
  if (account.status === "signed-out") return { stage: "signed-out" };
  const open = account.status === "known" ? account.openPurchases[sessionId] : undefined;
  if (open) return { stage: open === "waiting" ? "delayed" : open };
  const started = findStarted(sessionId);
  if (account.user && started && started.uid !== account.user.uid) {
    return { stage: "other-account", who: nameOf(account.user) };
  }
  if (!(isSlow && account.user)) return { stage: "confirming" };
  return { stage: "slow", who: nameOf(account.user), isFromHere: started !== undefined };
}

/** Picks a purchase's own entry and what came after it. */
export function creditOf(sessionId: string, entries: readonly Transaction[]): PurchaseState | null {
  const purchase = entries.find(({ id }) => id === purchaseId(sessionId));
  if (!purchase) return null;
  const later = entries.filter((entry) => entry !== purchase && entry.details.stripeSessionId === sessionId);
  return { stage: "credited", purchase, later };
}

/** How many of a purchase's tokens its refunds and disputes have taken back so far. */
export const takenBack = (later: readonly Transaction[]) =>
  Math.max(0, -later.reduce((sum, { amount }) => sum + amount, 0));

/** Where a purchase comes from; the tests pass their own. */
export interface PurchaseSources {
  listTransactions: typeof listTransactions;
  watchPurchase: typeof watchPurchase;
}

const POLLING = { first_ms: 3_000, longest_ms: 60_000 };

/**
 * Follows the purchase in Firestore, and polls the API until the credit is known: Firestore may be out of reach, or its stream
 * may have ended without a sign. Returns a function that stops it.
 */
export function followCredit(
  user: User,
  sessionId: string,
  next: (credit: PurchaseState) => void,
  sources: PurchaseSources = { listTransactions, watchPurchase },
): () => void {
  let isPolling = true;
  const stopPolling = repeatWhileVisible(async () => {
    const page = await sources.listTransactions(user, { limit: 20 }).catch(() => null);
    if (isPolling) report([...(page?.transactions ?? [])].reverse());
  }, POLLING);
  const end = () => {
    isPolling = false;
    stopPolling();
  };
  const report = (entries: readonly Transaction[]) => {
    const credit = creditOf(sessionId, entries);
    if (!credit) return;
    end();
    next(credit);
  };
  const stopLive = sources.watchPurchase(user.uid, sessionId, { next: report, failed: () => {} });
  return () => {
    end();
    stopLive();
  };
}
