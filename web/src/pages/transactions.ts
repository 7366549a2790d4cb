// /transactions: every change to the balance, newest first.

import refund from "bootstrap-icons/icons/arrow-counterclockwise.svg?raw";
import download from "bootstrap-icons/icons/download.svg?raw";
import gift from "bootstrap-icons/icons/gift.svg?raw";
import spend from "bootstrap-icons/icons/magic.svg?raw";
import plus from "bootstrap-icons/icons/plus-lg.svg?raw";
import shieldOk from "bootstrap-icons/icons/shield-check.svg?raw";
import shield from "bootstrap-icons/icons/shield-exclamation.svg?raw";
import wrench from "bootstrap-icons/icons/wrench.svg?raw";
import { type AccountState, userOf, watchPageAccount } from "../account";
import { listPackages, listTransactions, type Transaction, type TransactionPage } from "../api";
import { icon, make } from "../dom";
import { describe, type PackNames, toCsv } from "../history-words";
import type { OpenPurchase } from "../live";
import { Notice } from "../notice";
import type { User } from "../session";
import { offerSignIn, openPage } from "../shell";
import "../styles/history.css";
import { formatMoment, formatNumber, formatSigned, texts } from "../texts";

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;
const ICONS: Record<Transaction["type"], string> = {
  purchase: plus,
  spend,
  refund,
  dispute: shield,
  dispute_reversal: shieldOk,
  grant: gift,
  adjustment: wrench,
};

const words = texts.history;
const notice = new Notice();
const rows = make("tbody", { "data-testid": "entries" });
const open = make("ul", { class: "open-purchases", "aria-label": words.open.label, "data-testid": "open-purchases" });
const table = make(
  "table",
  { class: "history" },
  make(
    "thead",
    {},
    make(
      "tr",
      {},
      make("th", { scope: "col" }, words.columns.when),
      make("th", { scope: "col" }, words.columns.what),
      make("th", { scope: "col", class: "number" }, words.columns.amount),
      make("th", { scope: "col", class: "number" }, words.columns.balance),
    ),
  ),
  rows,
);
const status = make("p", { class: "quiet status", role: "status", "data-testid": "history-status" });
const more = make("button", { class: "button plain", type: "button", hidden: true, "data-testid": "more" }, words.more);
const csv = make(
  "button",
  { class: "button plain small", type: "button", hidden: true, "data-testid": "csv" },
  icon(download),
  make("span", {}, words.download),
);
const signedOut = make(
  "div",
  { class: "empty", hidden: true },
  make("p", {}, words.signedOutTitle),
  make("button", { class: "button primary", type: "button", click: offerSignIn }, texts.account.signIn),
);

let user: User | undefined;
let entries: Transaction[] = [];
let cursor: string | null = null;
let newestLoad = 0;
let balance: number | undefined;
let packNames: PackNames | undefined; // undefined until they are loaded
const names: Promise<PackNames> = listPackages().then(
  (packs) => new Map(packs.map(({ id, name }) => [id, name])),
  () => new Map(),
);
void names.then((loaded) => {
  packNames = loaded;
  showEntries();
});

openPage("transactions").append(
  make("div", { class: "page-head" }, make("h1", {}, words.title), make("p", { class: "lead" }, words.lead), csv),
  notice.element,
  signedOut,
  open,
  table,
  status,
  more,
);
table.hidden = true;
more.addEventListener("click", () => void loadMore());
csv.addEventListener("click", () => void saveCsv());
watchPageAccount(onAccount);

function onAccount(state: AccountState): void {
  const currentUser = userOf(state);
  signedOut.hidden = state.status !== "signed-out";
  if (currentUser?.uid !== user?.uid) {
    user = currentUser;
    entries = [];
    cursor = null;
    showEntries();
    open.replaceChildren();
    status.textContent = "";
    balance = undefined;
    if (user) void loadNewest();
  }
  if (state.status !== "known") return;
  open.replaceChildren(...Object.entries(state.openPurchases).map(openPurchaseItem));
  if (status.textContent === words.empty) status.textContent = statusText();
  if (balance !== undefined && balance !== state.balance) void loadNewest(); // there is a new entry
  balance = state.balance;
}

/** Loads the newest entries, and adds those that aren't shown yet at the top. */
async function loadNewest(): Promise<void> {
  const requester = user;
  if (!requester) return;
  const load = ++newestLoad;
  notice.clear();
  if (entries.length === 0) status.textContent = words.loading;
  try {
    const page = await listTransactions(requester, { limit: PAGE_SIZE });
    if (requester !== user || load !== newestLoad) return; // outdated
    const shown = new Set(entries.map(({ id }) => id));
    const added = page.transactions.filter(({ id }) => !shown.has(id));
    if (added.length < page.transactions.length) {
      entries = [...added, ...entries];
    } else {
      entries = added; // nothing in common, so there may be a gap: start over
      cursor = page.next_cursor;
    }
    showEntries();
    status.textContent = statusText();
  } catch (error) {
    if (requester !== user || load !== newestLoad) return;
    if (entries.length === 0) status.textContent = words.failed;
    notice.show(error, () => void loadNewest());
  }
}

async function loadMore(): Promise<void> {
  const [requester, from] = [user, cursor];
  if (!requester) return;
  notice.clear();
  more.disabled = true;
  more.classList.add("busy");
  try {
    const page = await listTransactions(requester, { limit: PAGE_SIZE, cursor: from });
    if (requester === user && from === cursor) {
      entries = [...entries, ...page.transactions];
      cursor = page.next_cursor;
      showEntries();
      status.textContent = statusText();
    }
  } catch (error) {
    if (requester === user) notice.show(error, () => void loadMore());
  }
  more.disabled = false;
  more.classList.remove("busy");
}

function showEntries(): void {
  rows.replaceChildren(...entries.map(row));
  const isEmpty = entries.length === 0;
  table.hidden = isEmpty;
  csv.hidden = isEmpty;
  more.hidden = cursor === null;
}

function statusText(): string {
  if (entries.length === 0) return open.childElementCount ? "" : words.empty;
  return cursor === null ? `${words.loaded(entries.length)} ${words.all}` : words.loaded(entries.length);
}

function openPurchaseItem([sessionId, state]: [string, OpenPurchase]): HTMLElement {
  const href = `/token-purchase-success?${new URLSearchParams({ session_id: sessionId })}`;
  return make("li", {}, make("span", {}, words.open[state]), " ", make("a", { href }, words.open.see));
}

function row(entry: Transaction): HTMLElement {
  const when = new Date(entry.timestamp);
  const sign = entry.amount < 0 ? "out" : "in";
  return make(
    "tr",
    { "data-id": entry.id, "data-type": entry.type },
    make("td", { class: "when" }, make("time", { datetime: entry.timestamp }, formatMoment(when))),
    make(
      "td",
      { class: "what" },
      make("span", { class: `type ${sign}` }, icon(ICONS[entry.type])),
      make(
        "span",
        {},
        make("strong", {}, words.types[entry.type]),
        make("span", { class: "description" }, describe(entry, packNames)),
      ),
    ),
    make("td", { class: `number amount ${sign}` }, formatSigned(entry.amount)),
    make(
      "td",
      { class: "number after" },
      make("span", { class: "label" }, words.columns.balance),
      formatNumber(entry.balanceAfter),
    ),
  );
}

async function saveCsv(): Promise<void> {
  const requester = user;
  if (!requester) return;
  csv.disabled = true;
  status.textContent = words.downloading;
  try {
    const all: Transaction[] = [];
    let next: string | null = null;
    do {
      // biome-ignore lint/performance/noAwaitInLoops: a page's cursor comes with the page before
      const page: TransactionPage = await listTransactions(requester, { limit: PAGE_SIZE_MAX, cursor: next });
      all.push(...page.transactions);
      next = page.next_cursor;
    } while (next !== null && requester === user);
    const csvNames = await names;
    if (requester === user) save(toCsv(all, csvNames));
  } catch (error) {
    if (requester === user) notice.show(error, () => void saveCsv());
  }
  if (requester === user) status.textContent = statusText();
  csv.disabled = false;
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: url, download: words.fileName }).click();
  URL.revokeObjectURL(url);
}
