// The signed-in user's account, watched once a page however many parts show it.
import { getBalance } from "./api";
import { type Account, watchAccount } from "./live";
import { type User, watchUser } from "./session";

export type AccountState =
  | { is: "loading"; user?: User }
  | { is: "signed-out" }
  | { is: "known"; user: User; balance: number; openPurchases: Account["openPurchases"] }
  | { is: "unknown"; user?: User };

const LIVE_WITHIN_MS = 5_000;
const POLL_MS = 10_000;

const listeners = new Set<(state: AccountState) => void>();
let state: AccountState = { is: "loading" };
let watching = false;
let endOfUser = () => {};

/** Calls back with the account as it is, and at every change; returns a function that ends it. */
export function watch(tell: (state: AccountState) => void): () => void {
  listeners.add(tell);
  tell(state);
  if (!watching) {
    watching = true;
    watchUser(follow);
  }
  return () => listeners.delete(tell);
}

function set(next: AccountState): void {
  state = next;
  for (const tell of listeners) tell(state);
}

function follow(user: User | null | undefined): void {
  endOfUser();
  endOfUser = () => {};
  if (user) followAccount(user);
  else set({ is: user === null ? "signed-out" : "unknown" });
}

/** Live from Firestore; over HTTP for as long as Firestore cannot be reached. */
function followAccount(user: User): void {
  let ended = false;
  let timer = 0;
  const later = (wait_ms: number) => {
    if (ended) return;
    clearTimeout(timer);
    timer = window.setTimeout(poll, wait_ms);
  };
  const poll = () => {
    getBalance(user).then(
      ({ balance }) => {
        if (ended || !timer) return; // or live meanwhile
        set({ is: "known", user, balance, openPurchases: state.is === "known" ? state.openPurchases : {} });
        later(POLL_MS);
      },
      () => {
        if (ended || !timer) return;
        if (state.is !== "known") set({ is: "unknown", user });
        later(POLL_MS);
      },
    );
  };
  set({ is: "loading", user });
  later(LIVE_WITHIN_MS);
  const endOfLive = watchAccount(user.uid, {
    next: (account) => {
      clearTimeout(timer);
      timer = 0;
      set({ is: "known", user, ...account });
    },
    failed: () => later(0),
  });
  endOfUser = () => {
    ended = true;
    clearTimeout(timer);
    endOfLive();
  };
}
