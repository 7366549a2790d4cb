import { beforeEach, describe, expect, it } from "vitest";
import type { Transaction, TransactionPage } from "../src/api";
import { History } from "../src/history";
import { type Filter, filterFrom, isFiltering, matches, NO_FILTER, queryOf } from "../src/history-filter";

const SPENDING: Filter = { ...NO_FILTER, type: "spending" };

/** An entry on a day of January; a higher number is newer. */
function entry(number: number, type: Transaction["type"] = "spend"): Transaction {
  const timestamp = new Date(2026, 0, 1, 0, number).toISOString();
  return { id: `entry-${number}`, userId: "ada", type, amount: -1, timestamp, balanceAfter: 0, details: {} };
}

/** An API with these entries; the cursor is the position after a page. */
class FakeApi {
  entries: Transaction[];
  readonly limits: number[] = [];

  constructor(entries: Transaction[]) {
    this.entries = entries;
  }

  readonly list = async ({ limit, cursor }: { limit: number; cursor: string | null }): Promise<TransactionPage> => {
    this.limits.push(limit);
    const start = cursor === null ? 0 : this.entries.findIndex(({ id }) => id === cursor) + 1;
    const transactions = this.entries.slice(start, start + limit);
    const isMore = start + limit < this.entries.length;
    return {
      success: true,
      transactions,
      limit,
      offset: 0,
      next_cursor: isMore ? (transactions.at(-1)?.id ?? null) : null,
    };
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => count - number);

describe("a history", () => {
  let api: FakeApi;
  let history: History;
  const ids = () => history.shown.map(({ id }) => Number(id.slice(6)));

  beforeEach(async () => {
    api = new FakeApi(numbers(50).map((number) => entry(number, number % 10 === 0 ? "purchase" : "spend")));
    history = new History(api.list);
    await history.loadNewest();
  });

  it("starts with the newest page, and knows whether there is more", async () => {
    expect(ids()).toEqual(numbers(50).slice(0, 20));
    expect(history.isComplete).toBe(false);
    await history.loadMore();
    expect(history.isComplete).toBe(false);
    await history.loadMore();

    expect(ids()).toEqual(numbers(50));
    expect(history.isComplete).toBe(true);
    expect(api.limits).toEqual([20, 20, 20]);
  });

  it("adds new entries above the others", async () => {
    await history.loadMore();
    api.entries = [entry(51), ...api.entries];
    await history.loadNewest();

    expect(ids()).toEqual([51, ...numbers(50).slice(0, 40)]);
    await history.loadMore();
    expect(ids()).toEqual(numbers(51));
  });

  it("starts over when so much is new that there may be a gap", async () => {
    api.entries = [
      ...numbers(90)
        .slice(0, 40)
        .map((number) => entry(number)),
      ...api.entries,
    ];
    await history.loadNewest();

    expect(ids()).toEqual(numbers(90).slice(0, 20));
    await history.loadAll();
    expect(ids()).toEqual(numbers(90));
  });

  it("looks for entries that match a filter, in larger pages", async () => {
    history.filter = { ...NO_FILTER, type: "purchases" };
    await history.fill();

    expect(ids()).toEqual([50, 40, 30, 20, 10]);
    expect(api.limits).toEqual([20, 100]);
    expect(history.isComplete).toBe(true);
  });

  it("stops looking where the filter's period begins", async () => {
    const days = [1, 2, 3, 4].flatMap((day) =>
      numbers(30).map((number) => ({
        ...entry(number),
        id: `entry-${1000 * day + number}`,
        timestamp: new Date(2026, 0, 10 - day, 12, number).toISOString(),
      })),
    );
    api = new FakeApi(days);
    history = new History(api.list);
    history.filter = { ...NO_FILTER, from: "2026-01-08" };
    await history.loadNewest();
    await history.loadMore();
    await history.loadMore();

    expect(history.shown).toHaveLength(60);
    expect(history.isComplete).toBe(true);
    expect(api.limits).toEqual([20, 100]);
  });

  it("stops looking after a number of pages, and continues on request", async () => {
    api = new FakeApi([...numbers(1500).map((number) => entry(number)), entry(0, "purchase")]);
    history = new History(api.list);
    history.filter = { ...NO_FILTER, type: "purchases" };
    await history.loadNewest();
    expect(api.limits).toHaveLength(11);
    expect(history.shown).toEqual([]);
    expect(history.isComplete).toBe(false);

    await history.loadMore();

    expect(ids()).toEqual([0]);
  });

  it("shows no entry twice when two loads overlap", async () => {
    await Promise.all([history.loadMore(), history.loadMore()]);

    expect(ids()).toEqual(numbers(50).slice(0, 40));
  });

  it("of somebody new is complete and empty", async () => {
    history = new History(new FakeApi([]).list);
    expect(history.isComplete).toBe(false);
    await history.loadNewest();

    expect(history.isComplete).toBe(true);
    expect(history.shown).toEqual([]);
  });
});

describe("a filter", () => {
  it("has an address of its own", () => {
    const filter: Filter = { type: "refunds", from: "2026-01-01", to: "2026-01-31" };

    expect(queryOf(filter)).toBe("?type=refunds&from=2026-01-01&to=2026-01-31");
    expect(filterFrom(new URLSearchParams(queryOf(filter)))).toEqual(filter);
    expect(queryOf(NO_FILTER)).toBe("");
    expect(isFiltering(filterFrom(new URLSearchParams()))).toBe(false);
  });

  it("ignores what makes no sense in an address", () => {
    const query = new URLSearchParams("type=everything&from=yesterday&to=2026-13-45&from=2026-01-01");

    expect(filterFrom(query)).toEqual(NO_FILTER);
  });

  it("matches by group and by day, the first and the last included", () => {
    const at = (hours: number, day: number) => ({
      ...entry(1),
      timestamp: new Date(2026, 0, day, hours).toISOString(),
    });
    const january: Filter = { ...NO_FILTER, from: "2026-01-02", to: "2026-01-03" };

    expect([at(23, 1), at(0, 2), at(23, 3), at(0, 4)].map((each) => matches(each, january))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(matches(entry(1, "spend"), SPENDING)).toBe(true);
    expect(matches(entry(1, "refund"), SPENDING)).toBe(false);
    expect(matches(entry(1, "dispute_reversal"), { ...NO_FILTER, type: "refunds" })).toBe(true);
    expect(matches(entry(1, "expiry" as Transaction["type"]), { ...NO_FILTER, type: "other" })).toBe(true);
  });
});
