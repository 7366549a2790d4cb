// The signed-in user's account, watched once per page no matter how many parts of the page show it.
import { type Balance, type Caller, getBalance } from "./api";
import { tokensAt } from "./expiry";
import { type LiveAccount, type LiveListener, watchAccount } from "./live";
import { type Pace, repeatWhileVisible } from "./repeat";
import { type User, watchUser } from "./session";

/**
 * What the page knows about the account. `reserved` tokens of the balance are set aside for running jobs. `unknown` means
 * that neither Firestore nor the API answers.
 */
export type AccountState =
  | { status: "loading"; user?: User }
  | { status: "signed-out" }
  | { status: "known"; user: User; balance: number; reserved: number; openPurchases: LiveAccount["openPurchases"] }
  | { status: "unknown"; user?: User };

type Listener = (state: AccountState) => void;

/** Where an account comes from; the tests pass their own. */
export interface AccountSources {
  watchUser(listener: (user: User | null | undefined) => void): void;
  watchAccount(uid: string, listener: LiveListener<LiveAccount>): () => void;
  getBalance(caller: Caller): Promise<Balance>;
}

export interface WatchOptions {
  /**
   * Follow the account in Firestore: changes show at once, and purchases that aren't credited yet are known. Its SDK is three
   * times as large as everything else, so without this the API is polled for the balance.
   */
  live?: boolean;
}

const POLLING = { first_ms: 10_000, longest_ms: 300_000 };
const TIMER_MAX_MS = 2 ** 31 - 1; // a browser fires a longer one at once
const POLLING_INSTEAD_OF_LIVE = { first_ms: 10_000, longest_ms: 10_000 };
const POLLING_BESIDE_LIVE = { ...POLLING, isPausedFirst: true };

export class AccountFeed {
  readonly #sources: AccountSources;
  readonly #listeners = new Set<Listener>();
  #state: AccountState = { status: "loading" };
  #isWatching = false;
  #isLive = false;
  #stopFollowing = () => {};

  constructor(sources: AccountSources) {
    this.#sources = sources;
  }

  /** Calls back with the current state and on every change. Returns a function that stops it. */
  watch(listener: Listener, { live = false }: WatchOptions = {}): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    const becomesLive = live && !this.#isLive;
    this.#isLive ||= live;
    if (!this.#isWatching) {
      this.#isWatching = true;
      this.#sources.watchUser((user) => this.#onUser(user));
    } else if (becomesLive) {
      this.#restart();
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
    if (user) {
      this.#set({ status: "loading", user });
      this.#follow(user);
    } else {
      this.#set({ status: user === null ? "signed-out" : "unknown" });
    }
  }

  #restart(): void {
    const user = userOf(this.#state);
    this.#stopFollowing();
    if (user) this.#follow(user);
  }

  #follow(user: User): void {
    this.#stopFollowing = this.#isLive ? this.#followLive(user) : this.#poll(user, POLLING);
  }

  /**
   * Follows the account in Firestore, and polls the API until Firestore answers and whenever it can't be reached. A stream
   * can also end without a sign, as when a laptop slept: so the API is asked now and then even while Firestore seems to answer.
   */
  #followLive(user: User): () => void {
    let isStopped = false;
    let stopPolling = this.#poll(user, POLLING_INSTEAD_OF_LIVE);
    let stopTimer = () => {};
    const stopLive = this.#sources.watchAccount(user.uid, {
      next: (account) => {
        stopPolling(); // an answer under way may be older than this
        stopTimer();
        stopTimer = this.#show(user, account);
        stopPolling = this.#poll(user, POLLING_BESIDE_LIVE, () => stopTimer());
      },
      failed: () => {
        stopPolling();
        stopTimer();
        if (!isStopped) stopPolling = this.#poll(user, POLLING_INSTEAD_OF_LIVE);
      },
    });
    return () => {
      isStopped = true;
      stopPolling();
      stopTimer();
      stopLive();
    };
  }

  /** Shows an account as it is now, and again whenever something in it expires. Returns a function that stops that. */
  #show(user: User, account: LiveAccount): () => void {
    const { until, ...tokens } = tokensAt(Date.now(), account.balance, account);
    this.#set({ status: "known", user, ...tokens, openPurchases: account.openPurchases });
    if (until === Number.POSITIVE_INFINITY) return () => {};
    let stop = () => clearTimeout(timer);
    const timer = setTimeout(
      () => {
        stop = this.#show(user, account);
      },
      Math.min(until - Date.now(), TIMER_MAX_MS),
    );
    return () => stop();
  }

  /** Asks the API again and again, and shows what differs from what is shown. Returns a function that stops it. */
  #poll(user: User, pace: Pace, onDifference = () => {}): () => void {
    let isStopped = false;
    const stop = repeatWhileVisible(async () => {
      const answer = await this.#sources.getBalance(user).catch(() => null);
      if (isStopped) return;
      const known = this.#state.status === "known" ? this.#state : undefined;
      if (!answer) {
        if (!known) this.#set({ status: "unknown", user });
        return;
      }
      const { balance, reserved } = answer;
      if (known?.balance === balance && known.reserved === reserved) return;
      onDifference();
      this.#set({ status: "known", user, balance, reserved, openPurchases: known?.openPurchases ?? {} });
    }, pace);
    return () => {
      isStopped = true;
      stop();
    };
  }
}

const feed = new AccountFeed({ watchUser, watchAccount, getBalance });

/** Calls back with the page's account and on every change. Returns a function that stops it. */
export const watchPageAccount = (listener: Listener, options?: WatchOptions) => feed.watch(listener, options);

export const userOf = (state: AccountState): User | undefined =>
  state.status === "signed-out" ? undefined : state.user;

/** What people call their account. */
export const nameOf = (user: User) => user.email ?? user.displayName ?? user.uid;
