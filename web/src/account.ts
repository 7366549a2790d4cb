// The signed-in user's account, watched once per page no matter how many parts of the page show it.
import { type Balance, type Caller, getBalance } from "./api";
import { type LiveAccount, type LiveListener, watchAccount } from "./live";
import { type User, watchUser } from "./session";

/** What the page knows about the account. `unknown` means that neither Firestore nor the API answers. */
export type AccountState =
  | { status: "loading"; user?: User }
  | { status: "signed-out" }
  | { status: "known"; user: User; balance: number; openPurchases: LiveAccount["openPurchases"] }
  | { status: "unknown"; user?: User };

type Listener = (state: AccountState) => void;

/** Where an account comes from; the tests pass their own. */
export interface AccountSources {
  watchUser(listener: (user: User | null | undefined) => void): void;
  watchAccount(uid: string, listener: LiveListener<LiveAccount>): () => void;
  getBalance(caller: Caller): Promise<Balance>;
}

const LIVE_WITHIN_MS = 5_000;
const POLL_MS = 10_000;

export class AccountFeed {
  readonly #sources: AccountSources;
  readonly #listeners = new Set<Listener>();
  #state: AccountState = { status: "loading" };
  #isWatching = false;
  #stopFollowing = () => {};

  constructor(sources: AccountSources) {
    this.#sources = sources;
  }

  /** Calls back with the current state and on every change. Returns a function that stops it. */
  watch(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    if (!this.#isWatching) {
      this.#isWatching = true;
      this.#sources.watchUser((user) => this.#onUser(user));
    }
    return () => this.#listeners.delete(listener);
  }

  #set(state: AccountState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  #onUser(user: User | null | undefined): void {
    this.#stopFollowing();
    this.#stopFollowing = () => {};
    if (user) this.#follow(user);
    else this.#set({ status: user === null ? "signed-out" : "unknown" });
  }

  /** Follows the account live in Firestore, and polls the API for as long as Firestore can't be reached. */
  #follow(user: User): void {
    let isStopped = false;
    let timer: number | undefined; // undefined while Firestore is live
    const schedule = (wait_ms: number) => {
      if (isStopped) return;
      clearTimeout(timer);
      timer = window.setTimeout(() => void poll(), wait_ms);
    };
    const poll = async () => {
      const answer = await this.#sources.getBalance(user).catch(() => null);
      if (isStopped || timer === undefined) return;
      const openPurchases = this.#state.status === "known" ? this.#state.openPurchases : {};
      if (answer) this.#set({ status: "known", user, balance: answer.balance, openPurchases });
      else if (this.#state.status !== "known") this.#set({ status: "unknown", user });
      schedule(POLL_MS);
    };
    this.#set({ status: "loading", user });
    schedule(LIVE_WITHIN_MS);
    const stopLive = this.#sources.watchAccount(user.uid, {
      next: (account) => {
        clearTimeout(timer);
        timer = undefined;
        this.#set({ status: "known", user, ...account });
      },
      failed: () => schedule(0),
    });
    this.#stopFollowing = () => {
      isStopped = true;
      clearTimeout(timer);
      stopLive();
    };
  }
}

const feed = new AccountFeed({ watchUser, watchAccount, getBalance });

/** Calls back with the page's account and on every change. Returns a function that stops it. */
export const watchPageAccount = (listener: Listener) => feed.watch(listener);

export const userOf = (state: AccountState): User | undefined =>
  state.status === "signed-out" ? undefined : state.user;
