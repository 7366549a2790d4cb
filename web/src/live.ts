// What Firestore tells live, under firestore.rules. Its SDK is large, so pages load it after they are painted.
import type { Transaction } from "./api";
import { openSession } from "./session";

/** How a purchase stands that is not credited: see shared/domain/account.py. */
export type OpenPurchase = "waiting" | "failed" | "held" | "rejected";

export interface Account {
  balance: number;
  openPurchases: Record<string, OpenPurchase>;
}

interface Listener<Value> {
  next(value: Value): void;
  /** Firestore cannot be reached, or refuses. */
  failed(error: unknown): void;
}

let opening: ReturnType<typeof open> | undefined;

async function open() {
  const [{ app, firestoreEmulator }, sdk] = await Promise.all([openSession(), import("./firestore-sdk")]);
  const db = sdk.getFirestore(app);
  if (firestoreEmulator) {
    const { hostname, port } = new URL(`http://${firestoreEmulator}`);
    sdk.connectFirestoreEmulator(db, hostname, Number(port));
  }
  return { db, ...sdk };
}

function firestore() {
  opening ??= open().catch((error: unknown) => {
    opening = undefined; // the next caller tries again
    throw error;
  });
  return opening;
}

/** Listens to users/{uid}; returns a function that ends it. */
export function watchAccount(uid: string, listener: Listener<Account>): () => void {
  return listen(listener.failed, async () => {
    const { db, doc, onSnapshot } = await firestore();
    return onSnapshot(
      doc(db, "users", uid),
      (found) => {
        if (found.metadata.fromCache) return; // Firestore's guess while it has no connection
        listener.next({ balance: found.get("tokenBalance") ?? 0, openPurchases: found.get("openPurchases") ?? {} });
      },
      listener.failed,
    );
  });
}

/**
 * Listens for the ledger entry of a purchase, which may not exist yet; returns a function that ends it.
 * A query, because the rules refuse to look at a document that does not exist: docs/decisions/0030.
 */
export function watchPurchase(uid: string, sessionId: string, listener: Listener<Transaction>): () => void {
  return listen(listener.failed, async () => {
    const { db, collection, onSnapshot, query, where } = await firestore();
    return onSnapshot(
      query(
        collection(db, "transactions"),
        where("userId", "==", uid),
        where("details.stripeSessionId", "==", sessionId),
      ),
      (found) => {
        const entry = found.docs.find(({ id }) => id === purchaseId(sessionId));
        if (!entry) return;
        const { timestamp, ...fields } = entry.data();
        listener.next({ id: entry.id, timestamp: timestamp.toDate().toISOString(), ...fields } as Transaction);
      },
      listener.failed,
    );
  });
}

/** The id of a purchase's ledger entry: see shared/domain/purchase.py. */
export const purchaseId = (sessionId: string) => `purchase:${sessionId}`;

function listen(failed: (error: unknown) => void, begin: () => Promise<() => void>): () => void {
  let ended = false;
  let end = () => {};
  begin().then((begun) => {
    if (ended) begun();
    else end = begun;
  }, (error: unknown) => {
    if (!ended) failed(error);
  });
  return () => {
    ended = true;
    end();
  };
}
