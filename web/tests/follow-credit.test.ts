// The success page's watch for a credit, with a Firestore and an API that do what the test says.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { listTransactions, Transaction } from "../src/api";
import type { LiveListener } from "../src/live";
import { followCredit, type PurchaseState } from "../src/purchase";
import type { User } from "../src/session";

const ADA = { uid: "ada" } as User;
const SESSION = "cs_test_1";
const PURCHASE = { id: `purchase:${SESSION}`, details: { stripeSessionId: SESSION } } as Transaction;
const REFUND = { id: "refund:re_1", details: { stripeSessionId: SESSION } } as Transaction;

const polled = vi.fn<typeof listTransactions>();
const stopLive = vi.fn();
let live: LiveListener<Transaction[]>;
let credits: PurchaseState[];
let stop: () => void;

const answers = (...transactions: Transaction[]) =>
  polled.mockResolvedValue({ transactions } as Awaited<ReturnType<typeof listTransactions>>);

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  const watchPurchase = (_uid: string, _session: string, listener: LiveListener<Transaction[]>) => {
    live = listener;
    return stopLive;
  };
  credits = [];
  answers();
  stop = followCredit(ADA, SESSION, (credit) => credits.push(credit), {
    listTransactions: polled,
    watchPurchase,
  });
  return () => {
    stop();
    vi.useRealTimers();
  };
});

describe("a purchase that is followed", () => {
  it("is credited once Firestore says so, and then no longer asked for", async () => {
    live.next([]);
    live.next([PURCHASE]);
    live.next([PURCHASE, REFUND]);
    await vi.advanceTimersByTimeAsync(600_000);

    expect(credits).toEqual([
      { stage: "credited", purchase: PURCHASE, later: [] },
      { stage: "credited", purchase: PURCHASE, later: [REFUND] },
    ]);
    expect(polled).toHaveBeenCalledTimes(1);
  });

  it("is credited once the API says so while Firestore can't be reached", async () => {
    live.failed(new Error("unavailable"));
    polled.mockRejectedValueOnce(new Error("the API is down"));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(credits).toEqual([]);

    answers(REFUND, PURCHASE); // newest first
    await vi.advanceTimersByTimeAsync(6_000);

    expect(credits).toEqual([{ stage: "credited", purchase: PURCHASE, later: [REFUND] }]);
  });

  it("is credited once the API says so when Firestore has fallen silent", async () => {
    live.next([]);
    answers(PURCHASE);
    await vi.advanceTimersByTimeAsync(3_000);

    expect(credits).toHaveLength(1);
  });

  it("is asked for less and less often", async () => {
    await vi.advanceTimersByTimeAsync(600_000);

    expect(polled.mock.calls.length).toBeLessThan(15);
  });

  it("is no longer followed once that is stopped, even while the API is answering", async () => {
    let arrive = () => {};
    polled.mockReturnValue(
      new Promise((resolve) => {
        arrive = () => resolve({ transactions: [PURCHASE] } as Awaited<ReturnType<typeof listTransactions>>);
      }),
    );
    await vi.advanceTimersByTimeAsync(3_000);
    stop();
    arrive();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(polled).toHaveBeenCalledTimes(2);
    expect(credits).toEqual([]);
    expect(stopLive).toHaveBeenCalledTimes(1);
  });
});
