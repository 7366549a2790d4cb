import { beforeEach, describe, expect, it, vi } from "vitest";
import { AccountFeed, type AccountState } from "../src/account";
import type { Balance } from "../src/api";
import type { LiveAccount, LiveListener } from "../src/live";
import type { User } from "../src/session";

const ADA = { uid: "ada" } as User;
const BOB = { uid: "bob" } as User;

/** A sign-in, a Firestore and an API that do what the test says. */
class FakeSources {
  readonly followed: string[] = [];
  readonly stopped: string[] = [];
  polls = 0;
  balance: number | Error = new Error("the API is down");
  signIn: (user: User | null | undefined) => void = () => {};
  live: LiveListener<LiveAccount> = { next: () => {}, failed: () => {} };

  watchUser(listener: (user: User | null | undefined) => void): void {
    this.signIn = listener;
  }

  watchAccount(uid: string, listener: LiveListener<LiveAccount>): () => void {
    this.followed.push(uid);
    this.live = listener;
    return () => this.stopped.push(uid);
  }

  async getBalance(): Promise<Balance> {
    this.polls++;
    if (this.balance instanceof Error) throw this.balance;
    return { success: true, balance: this.balance } as Balance;
  }
}

let sources: FakeSources;
let states: AccountState[];

const latest = () => states.at(-1);

beforeEach(() => {
  vi.useFakeTimers();
  sources = new FakeSources();
  states = [];
  new AccountFeed(sources).watch((state) => states.push(state));
  return () => vi.useRealTimers();
});

describe("an account", () => {
  it("is loading until it is known who is signed in", () => {
    expect(states).toEqual([{ status: "loading" }]);

    sources.signIn(null);

    expect(latest()).toEqual({ status: "signed-out" });
  });

  it("is unknown while nobody can say who is signed in", () => {
    sources.signIn(undefined);

    expect(latest()).toEqual({ status: "unknown" });
  });

  it("follows Firestore, and does not poll as long as that answers", async () => {
    sources.signIn(ADA);
    sources.live.next({ balance: 5, openPurchases: { cs_1: "waiting" } });
    sources.live.next({ balance: 7, openPurchases: {} });
    await vi.advanceTimersByTimeAsync(60_000);

    expect(latest()).toEqual({ status: "known", user: ADA, balance: 7, openPurchases: {} });
    expect(sources.polls).toBe(0);
  });

  it("polls the API when Firestore stays silent", async () => {
    sources.balance = 9;
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(latest()).toEqual({ status: "loading", user: ADA });

    await vi.advanceTimersByTimeAsync(1);

    expect(latest()).toMatchObject({ status: "known", balance: 9 });
  });

  it("polls at once when Firestore refuses, and again every 10 seconds", async () => {
    sources.balance = 9;
    sources.signIn(ADA);
    sources.live.failed(new Error("permission-denied"));
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toMatchObject({ balance: 9 });

    sources.balance = 4;
    await vi.advanceTimersByTimeAsync(10_000);

    expect(latest()).toMatchObject({ balance: 4 });
    expect(sources.polls).toBe(2);
  });

  it("is unknown when neither answers, and known again once one does", async () => {
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(latest()).toEqual({ status: "unknown", user: ADA });

    sources.live.next({ balance: 3, openPurchases: {} });

    expect(latest()).toMatchObject({ status: "known", balance: 3 });
  });

  it("keeps the last known balance through an outage", async () => {
    sources.signIn(ADA);
    sources.live.next({ balance: 3, openPurchases: { cs_1: "held" } });
    sources.live.failed(new Error("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(sources.polls).toBe(1);
    expect(latest()).toMatchObject({ status: "known", balance: 3 });

    sources.balance = 8;
    await vi.advanceTimersByTimeAsync(10_000);

    expect(latest()).toMatchObject({ balance: 8, openPurchases: { cs_1: "held" } });
  });

  it("drops an answer of the API that arrives after Firestore's", async () => {
    sources.balance = 1;
    sources.signIn(ADA);
    sources.live.failed(new Error("unavailable"));
    vi.advanceTimersByTime(0); // the request is under way
    sources.live.next({ balance: 2, openPurchases: {} });
    await vi.advanceTimersByTimeAsync(0);

    expect(sources.polls).toBe(1);
    expect(latest()).toMatchObject({ balance: 2 });
  });

  it("ends with its user: nothing of theirs reaches the next one", async () => {
    sources.signIn(ADA);
    const adas = sources.live;
    adas.next({ balance: 100, openPurchases: { cs_1: "held" } });

    sources.signIn(BOB);

    expect(latest()).toEqual({ status: "loading", user: BOB });
    expect(sources.stopped).toEqual(["ada"]);
    sources.balance = 1;
    sources.live.failed(new Error("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toEqual({ status: "known", user: BOB, balance: 1, openPurchases: {} });
  });

  it("stops polling when its user signs out", async () => {
    sources.signIn(ADA);
    const adas = sources.live;
    sources.signIn(null);
    adas.failed(new Error("permission-denied"));
    await vi.advanceTimersByTimeAsync(60_000);

    expect(sources.polls).toBe(0);
    expect(latest()).toEqual({ status: "signed-out" });
  });
});

describe("the feed", () => {
  it("asks once who is signed in, however many listen, and tells a late one at once", () => {
    const feed = new AccountFeed(sources);
    const watchUser = vi.spyOn(sources, "watchUser");
    feed.watch(() => {});
    sources.signIn(ADA);
    const late: AccountState[] = [];

    feed.watch((state) => late.push(state));

    expect(watchUser).toHaveBeenCalledTimes(1);
    expect(late).toEqual([{ status: "loading", user: ADA }]);
  });

  it("tells nothing more to a listener that has stopped", () => {
    const feed = new AccountFeed(sources);
    const heard: AccountState[] = [];
    const stop = feed.watch((state) => heard.push(state));

    stop();
    sources.signIn(null);

    expect(heard).toEqual([{ status: "loading" }]);
  });
});
