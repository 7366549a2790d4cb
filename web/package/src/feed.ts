// The visitor's balance, asked for again and again while somebody looks, no matter how many parts of the page show it.
import { getBalance, Unreachable } from "../../src/api";
import { repeatWhileVisible } from "../../src/repeat";
import type { SignIn } from "./sign-in";
import type { BalanceListener, BalanceState } from "./types";

const PACE = { first_ms: 10_000, longest_ms: 300_000 };
const CONNECTING: BalanceState = { status: "connecting" };

export class BalanceFeed {
  readonly #signIn: SignIn;
  readonly #api: string;
  readonly #listeners = new Set<BalanceListener>();
  #state = CONNECTING;
  #person: string | undefined;
  /** The latest question: the answers to earlier ones don't count. */
  #question = 0;
  #stopAsking = () => {};
  #stopFollowing = () => {};

  constructor(signIn: SignIn, api: string) {
    this.#signIn = signIn;
    this.#api = api;
  }

  /** Calls back with the current state and on every change. Returns a function that stops it. */
  watch(listener: BalanceListener): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  /** Asks at once. */
  refresh(): void {
    if (this.#listeners.size === 0) return;
    this.#stopAsking();
    this.#stopAsking = repeatWhileVisible(() => this.#ask(), PACE);
  }

  #start(): void {
    this.#stopFollowing = this.#signIn.onChange(() => {
      this.#question++;
      this.#set(CONNECTING);
      this.refresh();
    });
    this.refresh();
  }

  #stop(): void {
    this.#question++;
    this.#stopAsking();
    this.#stopFollowing();
    this.#state = CONNECTING;
  }

  #set(state: BalanceState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  async #ask(): Promise<void> {
    const question = ++this.#question;
    const tell = (state: BalanceState) => {
      if (question === this.#question) this.#set(state);
    };
    try {
      const token = await this.#signIn.getIdToken();
      if (token === null) return tell({ status: "signed-out" });
      if (question !== this.#question) return; // somebody has signed in or out meanwhile
      const person = personOf(token);
      const isAnother = person !== this.#person;
      if (isAnother || this.#state.status === "connecting" || this.#state.status === "signed-out")
        tell({ status: "loading" });
      this.#person = person;
      tell({ status: "known", balance: await this.#balance(token) });
    } catch (error) {
      tell({ status: "unknown", error });
    }
  }

  async #balance(token: string): Promise<number> {
    const { balance } = await getBalance({ getIdToken: async () => token }, this.#api);
    if (!Number.isSafeInteger(balance)) throw new Unreachable("The answer has no balance");
    return balance;
  }
}

/** Whose ID token it is: one person's number must not be shown to the next. */
function personOf(token: string): string {
  try {
    return JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/gu, "+").replace(/_/gu, "/"))).sub;
  } catch {
    return token;
  }
}
