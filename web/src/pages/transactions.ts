// /transactions: every change to the balance, newest first.
import "../styles/history.css";
import { type AccountState, nameOf, userOf, watchPageAccount } from "../account";
import { listPackages, listTransactions } from "../api";
import { showDebt } from "../debt";
import { byId, make, onClick } from "../dom";
import { History } from "../history";
import { type Filter, filterFrom, isFiltering, queryOf } from "../history-filter";
import { historyRow, openPurchaseItem } from "../history-rows";
import { type Context, type PackNames, toCsv } from "../history-words";
import type { LiveAccount } from "../live";
import { Notice, tryAgain } from "../notice";
import { translated } from "../packages";
import type { User } from "../session";
import { startShell } from "../shell";
import { findStarted } from "../started-purchases";
import { formats, texts } from "../texts";

const words = texts.history;
const notice = new Notice(byId("notice"));
const status = byId("status");
const more = byId("more");
const form = byId<HTMLFormElement>("filter");

let user: User | undefined;
let loaded: History | undefined;
let balance: number | undefined;
let openPurchases: LiveAccount["openPurchases"] = {};
let names: PackNames | undefined; // undefined until they are loaded
const loadingNames: Promise<PackNames> = listPackages().then(
  (packs) => new Map(packs.map(({ id, name }) => [id, translated(name)])),
  () => new Map(),
);
void loadingNames.then((packNames) => {
  names = packNames;
  showEntries();
});

startShell();
showDebt(byId("debt"));
showFilter(filterFrom(new URLSearchParams(location.search)));
onClick(more, () => load((mine) => mine.loadMore()));
onClick(byId("csv"), saveCsv);
byId("print").addEventListener("click", () => window.print());
form.addEventListener("change", () => applyFilter(filterOfForm()));
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => window.setTimeout(() => applyFilter(filterOfForm())));
window.addEventListener("popstate", () => {
  showFilter(filterFrom(new URLSearchParams(location.search)));
  void load((mine) => mine.loadMore());
});
watchPageAccount(onAccount, { live: true });

function onAccount(state: AccountState): void {
  const currentUser = userOf(state);
  byId("signed-out").hidden = state.status !== "signed-out";
  if (currentUser?.uid !== user?.uid) switchTo(currentUser);
  if (state.status === "signed-out") status.textContent = "";
  if (state.status !== "known") return;
  openPurchases = state.openPurchases;
  showOpenPurchases();
  if (loaded?.isLoaded) showStatus();
  if (balance !== undefined && balance !== state.balance) void load((mine) => mine.loadNewest()); // there is a new entry
  balance = state.balance;
}

function switchTo(next: User | undefined): void {
  user = next;
  balance = undefined;
  openPurchases = {};
  loaded = next && new History((query) => listTransactions(next, query));
  byId("print-head").textContent = next ? `${texts.brand} · ${nameOf(next)} · ${formats.day(new Date())}` : "";
  showOpenPurchases();
  showEntries();
  if (!loaded) return;
  loaded.filter = filterFrom(new URLSearchParams(location.search));
  status.textContent = words.loading;
  void load((mine) => mine.loadNewest());
}

/** Loads, and shows what came; nothing of it is shown if the user has changed in the meantime. */
async function load(task: (mine: History) => Promise<void>): Promise<void> {
  const mine = loaded;
  if (!mine) return;
  notice.clear();
  const hadFocus = document.activeElement === more;
  try {
    await task(mine);
  } catch (error) {
    if (mine !== loaded) return;
    if (!mine.isLoaded) status.textContent = words.failed;
    notice.show(
      error,
      tryAgain(() => void load(task)),
    );
  }
  if (mine !== loaded || !mine.isLoaded) return;
  showEntries();
  showStatus();
  if (hadFocus && more.hidden) status.focus(); // which says that this is everything
}

function showEntries(): void {
  const shown = loaded?.shown ?? [];
  const context = contextOf(loaded);
  byId("entries").replaceChildren(...shown.map((entry) => historyRow(entry, context)));
  byId("history").hidden = shown.length === 0;
  const hasEntries = loaded !== undefined && loaded.entries.length > 0;
  byId("tools").hidden = !hasEntries;
  form.hidden = !hasEntries;
  more.hidden = loaded?.isComplete ?? true;
  if (loaded && !loaded.isLoaded) more.hidden = true;
}

function contextOf(mine: History | undefined): Context {
  return { names, entries: mine?.entries ?? [] };
}

function showStatus(): void {
  if (!loaded) return;
  const count = loaded.shown.length;
  const end = loaded.isComplete ? [words.all] : [];
  if (count > 0) status.textContent = [words.shown(count), ...end].join(" ");
  else if (isFiltering(loaded.filter)) status.textContent = [words.noMatches, ...end].join(" ");
  else status.textContent = byId("open-purchases").childElementCount > 0 ? "" : words.empty;
}

function showOpenPurchases(): void {
  const uid = user?.uid ?? "";
  const undismissed = Object.entries(openPurchases).filter(([sessionId]) => !findStarted(sessionId)?.dismissed);
  const items = undismissed.map(([sessionId, state]) =>
    openPurchaseItem(sessionId, state, uid, () => {
      showOpenPurchases();
      byId("content").focus(); // the button that had the focus is gone
    }),
  );
  byId("open-purchases").replaceChildren(...items);
}

function filterOfForm(): Filter {
  const entered = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
  return filterFrom(new URLSearchParams(entered));
}

function showFilter(filter: Filter): void {
  byId<HTMLSelectElement>("filter-type").value = filter.type === "all" ? "" : filter.type;
  byId<HTMLInputElement>("filter-from").value = filter.from;
  byId<HTMLInputElement>("filter-to").value = filter.to;
  byId("filter-clear").hidden = !isFiltering(filter);
  if (loaded) loaded.filter = filter;
}

/** Gives the filter an address of its own, and loads until there is something to show. */
function applyFilter(filter: Filter): void {
  window.history.pushState(null, "", `${location.pathname}${queryOf(filter)}`);
  showFilter(filter);
  void load((mine) => mine.fill());
}

/** The file has every entry that matches the filter, whether or not it is shown yet. */
async function saveCsv(): Promise<void> {
  const owner = user;
  if (!owner) return;
  status.textContent = words.downloading;
  const all = new History((query) => listTransactions(owner, query));
  try {
    await all.loadAll();
    all.filter = filterOfForm();
    const context = { names: await loadingNames, entries: all.entries };
    if (owner === user) save(toCsv(all.shown, context));
  } catch (error) {
    if (owner === user)
      notice.show(
        error,
        tryAgain(() => void saveCsv()),
      );
  }
  if (owner === user) showStatus();
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: url, download: words.fileName }).click();
  URL.revokeObjectURL(url);
}
