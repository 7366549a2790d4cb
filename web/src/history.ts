// The entries that the history page has loaded so far, newest first.
import type { Transaction, TransactionPage } from "./api";
import { type Filter, isBefore, isFiltering, matches, NO_FILTER } from "./history-filter";

type List = (query: { limit: number; cursor: string | null }) => Promise<TransactionPage>;

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;
const PAGES_AT_ONCE = 10;

export class History {
  readonly #list: List;
  #entries: Transaction[] = [];
  #cursor: string | null = null;
  #isLoaded = false;
  filter: Filter = NO_FILTER;

  constructor(list: List) {
    this.#list = list;
  }

  get entries(): readonly Transaction[] {
    return this.#entries;
  }

  /** The entries that match the filter. */
  get shown(): readonly Transaction[] {
    return this.#entries.filter((entry) => matches(entry, this.filter));
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Whether nothing older can match. */
  get isComplete(): boolean {
    const oldest = this.#entries.at(-1);
    return this.#isLoaded && (this.#cursor === null || (oldest !== undefined && isBefore(oldest, this.filter)));
  }

  /** Loads the newest entries: at first, and again when the balance has changed. */
  async loadNewest(): Promise<void> {
    const page = await this.#list({ limit: PAGE_SIZE, cursor: null });
    const known = new Set(this.#entries.map(({ id }) => id));
    const added = page.transactions.filter(({ id }) => !known.has(id));
    if (this.#isLoaded && added.length < page.transactions.length) {
      this.#entries = [...added, ...this.#entries];
    } else {
      this.#entries = added; // the first page, or nothing in common: there may be a gap
      this.#cursor = page.next_cursor;
    }
    this.#isLoaded = true;
    await this.fill();
  }

  /** Loads older entries until this many more match. */
  loadMore(): Promise<void> {
    return this.fill(this.shown.length + PAGE_SIZE);
  }

  /** Loads older entries until this many match. Stops after a number of pages, so that one click stays quick. */
  async fill(wanted = PAGE_SIZE): Promise<void> {
    const limit = isFiltering(this.filter) ? PAGE_SIZE_MAX : PAGE_SIZE;
    for (let pages = 0; pages < PAGES_AT_ONCE && !this.isComplete && this.shown.length < wanted; pages++) {
      // biome-ignore lint/performance/noAwaitInLoops: a page's cursor comes with the page before
      await this.#append(limit);
    }
  }

  /** Loads everything there is. */
  async loadAll(): Promise<void> {
    if (!this.#isLoaded) await this.loadNewest();
    while (this.#cursor !== null) {
      // biome-ignore lint/performance/noAwaitInLoops: a page's cursor comes with the page before
      await this.#append(PAGE_SIZE_MAX);
    }
  }

  async #append(limit: number): Promise<void> {
    const cursor = this.#cursor;
    const page = await this.#list({ limit, cursor });
    if (cursor !== this.#cursor) return; // another load has appended this page
    this.#entries = [...this.#entries, ...page.transactions];
    this.#cursor = page.next_cursor;
  }
}
