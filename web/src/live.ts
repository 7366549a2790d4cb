// What Firestore reports live, within firestore.rules. Its SDK is large, so it loads after the page has been painted.
import type { Transaction } from "./api";
import type { Pending } from "./expiry";
import { openSession } from "./session";

/** The state of a purchase that isn't credited: see shared/domain/account.py. */
export type OpenPurchase = "waiting" | "failed" | "held" | "rejected";

/** As of its last change; what has expired since then still counts in it: see expiry.ts. */
export interface LiveAccount extends Pending {
  balance: number;
  openPurchases: Record<string, OpenPurchase>;
}

export interface LiveListener<Value> {
  next(value: Value): void;
  /** Firestore can't be reached, or refuses. */
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

/** Listens to users/{uid}. Returns a function that stops it. */
export function watchAccount(uid: string, listener: LiveListener<LiveAccount>): () => void {
  return subscribe(listener.failed, async () => {
    const { db, doc, onSnapshot } = await firestore();
    return onSnapshot(
      doc(db, "users", uid),
      (snapshot) => {
        if (snapshot.metadata.fromCache) return; // Firestore's guess while it has no connection
        listener.next({
          balance: snapshot.get("tokenBalance") ?? 0,
          reservations: snapshot.get("reservations") ?? [],
          expiringTokens: snapshot.get("expiringTokens") ?? [],
          openPurchases: snapshot.get("openPurchases") ?? {},
        });
      },
      listener.failed,
    );
  });
}

/**
 * Listens for the ledger entries of a purchase: its own, which may not exist yet, and its refunds and disputes, in the order
 * in which they happened. Returns a function that stops it.
 * It is a query because the rules refuse to read a document that doesn't exist: docs/decisions/0030.
 */
export function watchPurchase(uid: string, sessionId: string, listener: LiveListener<Transaction[]>): () => void {
  return subscribe(listener.failed, async () => {
    const { db, collection, limit, onSnapshot, query, where } = await firestore();
    return onSnapshot(
      query(
        collection(db, "transactions"),
        where("userId", "==", uid),
        where("details.stripeSessionId", "==", sessionId),
        limit(100), // firestore.rules requires a limit
      ),
      (snapshot) => {
        if (snapshot.metadata.fromCache) return;
        const entries = snapshot.docs.map((document) => {
          const { timestamp, ...fields } = document.data();
          return { id: document.id, timestamp: timestamp.toDate().toISOString(), ...fields } as Transaction;
        });
        listener.next(entries.sort((one, other) => Date.parse(one.timestamp) - Date.parse(other.timestamp)));
      },
      listener.failed,
    );
  });
}

/** The id of a purchase's ledger entry: see shared/domain/purchase.py. */
export const purchaseId = (sessionId: string) => `purchase:${sessionId}`;

/** Starts a subscription that takes a moment to open; stopping it earlier than that works too. */
export function subscribe(failed: (error: unknown) => void, start: () => Promise<() => void>): () => void {
  let isStopped = false;
  let stop = () => {};
  start().then(
    (started) => {
      if (isStopped) started();
      else stop = started;
    },
    (error: unknown) => {
      if (!isStopped) failed(error);
    },
  );
  return () => {
    isStopped = true;
    stop();
  };
}
