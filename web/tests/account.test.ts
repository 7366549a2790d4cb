import { beforeEach, describe, expect, it, vi } from "vitest";
import { AccountFeed, type AccountState, type WatchOptions } from "../src/account";
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
    return { success: true, balance: this.balance, reserved: 0 } as Balance;
  }
}

let sources: FakeSources;
let states: AccountState[];

const latest = () => states.at(-1);

function follow(options: WatchOptions): AccountFeed {
  const feed = new AccountFeed(sources);
  feed.watch((state) => states.push(state), options);
  return feed;
}

beforeEach(() => {
  vi.useFakeTimers();
  sources = new FakeSources();
  states = [];
  return () => {
    sources.signIn(null);
    vi.useRealTimers();
  };
});

describe("an account that is followed live", () => {
  beforeEach(() => {
    follow({ live: true });
  });

  it("is loading until it is known who is signed in", () => {
    expect(states).toEqual([{ status: "loading" }]);

    sources.signIn(null);

    expect(latest()).toEqual({ status: "signed-out" });
  });

  it("is unknown while it can't be known who is signed in", () => {
    sources.signIn(undefined);

    expect(latest()).toEqual({ status: "unknown" });
  });

  it("follows Firestore, and seldom asks the API as long as that answers", async () => {
    sources.balance = 1;
    sources.signIn(ADA);
    expect(sources.polls).toBe(1); // until Firestore answers
    sources.live.next({ balance: 5, openPurchases: { cs_1: "waiting" } });
    sources.live.next({ balance: 7, openPurchases: {} });
    sources.balance = 7;
    await vi.advanceTimersByTimeAsync(60_000);

    expect(latest()).toEqual({ status: "known", user: ADA, balance: 7, reserved: 0, openPurchases: {} });
    expect(states.filter((state) => state.status === "known").length).toBe(2);
    expect(sources.polls).toBe(3);
  });

  it("comes from the API again when Firestore has fallen silent", async () => {
    vi.setSystemTime(0);
    sources.signIn(ADA);
    const reservations = [{ amount: 30, due: 12, expiresAt: 60 }];
    sources.live.next({ balance: 100, openPurchases: { cs_1: "held" }, reservations });
    sources.balance = 88;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(latest()).toMatchObject({ balance: 88, reserved: 0, openPurchases: { cs_1: "held" } });

    sources.balance = 40;
    await vi.advanceTimersByTimeAsync(51_000);

    expect(latest()).toMatchObject({ balance: 40, reserved: 0 }); // what Firestore last said no longer expires
  });

  it("changes by itself when a reservation or a grant expires", async () => {
    vi.setSystemTime(0);
    sources.signIn(ADA);
    sources.live.next({
      balance: 100,
      openPurchases: {},
      reservations: [{ amount: 30, due: 12, expiresAt: 60 }],
      expiringTokens: [{ amount: 20, expiresAt: 30 * 86_400 }], // longer than any timer
    });
    expect(latest()).toMatchObject({ balance: 100, reserved: 30 });

    await vi.advanceTimersByTimeAsync(59_999);
    expect(latest()).toMatchObject({ balance: 100, reserved: 30 });
    await vi.advanceTimersByTimeAsync(1);
    expect(latest()).toMatchObject({ balance: 88, reserved: 0 });
    await vi.advanceTimersByTimeAsync(30 * 86_400_000 - 60_001);
    expect(latest()).toMatchObject({ balance: 88 });
    await vi.advanceTimersByTimeAsync(1);

    expect(latest()).toMatchObject({ balance: 80, reserved: 0 });
    expect(states.filter((state) => state.status === "known").length).toBeLessThan(6);
  });

  it("no longer changes by itself once something newer is known", async () => {
    vi.setSystemTime(0);
    sources.signIn(ADA);
    const reservations = [{ amount: 30, due: 12, expiresAt: 60 }];
    sources.live.next({ balance: 100, openPurchases: {}, reservations });
    sources.live.next({ balance: 90, openPurchases: {} });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(latest()).toMatchObject({ balance: 90 });

    sources.live.next({ balance: 100, openPurchases: {}, reservations: [{ amount: 30, due: 12, expiresAt: 90 }] });
    sources.signIn(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(latest()).toEqual({ status: "signed-out" });
  });

  it("comes from the API until Firestore answers, and whenever that refuses", async () => {
    sources.balance = 9;
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toMatchObject({ status: "known", balance: 9 });
    sources.live.next({ balance: 10, openPurchases: {} });
    expect(latest()).toMatchObject({ balance: 10 });
    expect(sources.polls).toBe(1);

    sources.balance = 4;
    sources.live.failed(new Error("permission-denied"));
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toMatchObject({ balance: 4 });
    sources.balance = 3;
    await vi.advanceTimersByTimeAsync(10_000);

    expect(latest()).toMatchObject({ balance: 3 });
    expect(sources.polls).toBe(3);
  });

  it("is unknown when neither answers, and known again once one does", async () => {
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toEqual({ status: "unknown", user: ADA });

    sources.live.next({ balance: 3, openPurchases: {} });

    expect(latest()).toMatchObject({ status: "known", balance: 3 });
  });

  it("keeps the last known balance through an outage", async () => {
    sources.signIn(ADA);
    sources.live.next({ balance: 3, openPurchases: { cs_1: "held" } });
    sources.live.failed(new Error("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(sources.polls).toBe(2);
    expect(latest()).toMatchObject({ status: "known", balance: 3 });

    sources.balance = 8;
    await vi.advanceTimersByTimeAsync(10_000);

    expect(latest()).toMatchObject({ balance: 8, openPurchases: { cs_1: "held" } });
  });

  it("drops an answer of the API that arrives after Firestore's", async () => {
    sources.balance = 1;
    sources.signIn(ADA); // the request is under way
    sources.live.next({ balance: 2, openPurchases: {} });
    await vi.advanceTimersByTimeAsync(0);

    expect(sources.polls).toBe(1);
    expect(latest()).toMatchObject({ balance: 2 });
  });

  it("never leaks from one user to the next", async () => {
    sources.signIn(ADA);
    const adas = sources.live;
    adas.next({ balance: 100, openPurchases: { cs_1: "held" } });

    sources.signIn(BOB);

    expect(latest()).toEqual({ status: "loading", user: BOB });
    expect(sources.stopped).toEqual(["ada"]);
    sources.balance = 1;
    sources.live.failed(new Error("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toEqual({ status: "known", user: BOB, balance: 1, reserved: 0, openPurchases: {} });
  });

  it("stops polling when its user signs out", async () => {
    sources.signIn(ADA);
    const adas = sources.live;
    sources.signIn(null);
    adas.failed(new Error("permission-denied"));
    await vi.advanceTimersByTimeAsync(60_000);

    expect(sources.polls).toBe(1);
    expect(latest()).toEqual({ status: "signed-out" });
  });
});

describe("an account that is not followed live", () => {
  it("comes from the API, without Firestore", async () => {
    follow({});
    sources.balance = 9;
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(0);

    expect(latest()).toEqual({ status: "known", user: ADA, balance: 9, reserved: 0, openPurchases: {} });
    expect(sources.followed).toEqual([]);
  });

  it("is polled at growing intervals", async () => {
    follow({});
    sources.balance = 9;
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(0);
    expect(sources.polls).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sources.polls).toBe(2);
    await vi.advanceTimersByTimeAsync(19_999);
    expect(sources.polls).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(sources.polls).toBe(3);
    await vi.advanceTimersByTimeAsync(3_600_000);

    expect(sources.polls).toBeLessThan(20);
  });

  it("becomes live when a part of the page needs it, and stays known meanwhile", async () => {
    const feed = follow({});
    sources.balance = 9;
    sources.signIn(ADA);
    await vi.advanceTimersByTimeAsync(0);
    feed.watch(() => {}, { live: true });
    feed.watch(() => {}, { live: true });
    sources.live.next({ balance: 10, openPurchases: { cs_1: "held" } });

    expect(sources.followed).toEqual(["ada"]);
    expect(sources.polls).toBe(2); // once more until Firestore answers
    expect(states.slice(2).every(({ status }) => status === "known")).toBe(true);
    expect(latest()).toMatchObject({ balance: 10, openPurchases: { cs_1: "held" } });
  });
});

describe("the feed", () => {
  it("watches the sign-in once for all listeners, and calls a late one at once", () => {
    const feed = new AccountFeed(sources);
    const watchUser = vi.spyOn(sources, "watchUser");
    feed.watch(() => {});
    sources.signIn(ADA);
    const late: AccountState[] = [];

    feed.watch((state) => late.push(state));

    expect(watchUser).toHaveBeenCalledTimes(1);
    expect(late).toEqual([{ status: "loading", user: ADA }]);
  });

  it("stops calling a listener that has stopped watching", () => {
    const feed = new AccountFeed(sources);
    const heard: AccountState[] = [];
    const stop = feed.watch((state) => heard.push(state));

    stop();
    sources.signIn(null);

    expect(heard).toEqual([{ status: "loading" }]);
  });
});
