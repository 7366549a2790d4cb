// /transactions: every change of the balance, newest first.
import arrowDown from "bootstrap-icons/icons/plus-lg.svg?raw";
import download from "bootstrap-icons/icons/download.svg?raw";
import gift from "bootstrap-icons/icons/gift.svg?raw";
import refund from "bootstrap-icons/icons/arrow-counterclockwise.svg?raw";
import shield from "bootstrap-icons/icons/shield-exclamation.svg?raw";
import shieldOk from "bootstrap-icons/icons/shield-check.svg?raw";
import spend from "bootstrap-icons/icons/magic.svg?raw";
import wrench from "bootstrap-icons/icons/wrench.svg?raw";
import { type AccountState, watch } from "../account";
import { listPackages, listTransactions, type Transaction } from "../api";
import { icon, make } from "../dom";
import { describe, type PackNames, toCsv } from "../history-words";
import type { OpenPurchase } from "../live";
import { Notice } from "../notice";
import type { User } from "../session";
import { offerSignIn, openPage, userOf } from "../shell";
import "../styles/history.css";
import { formatMoment, formatNumber, formatSigned, texts } from "../texts";

const PAGE = 20;
const PAGE_MAX = 100;
const ICONS: Record<Transaction["type"], string> = {
  purchase: arrowDown,
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
let packNames: PackNames | undefined; // until they are known, a pack is just a pack
const names: Promise<PackNames> = listPackages().then(
  (packs) => new Map(packs.map(({ id, name }) => [id, name])),
  () => new Map(),
);
void names.then((known) => {
  packNames = known;
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
watch(onAccount);

function onAccount(state: AccountState): void {
  const now = userOf(state);
  signedOut.hidden = state.is !== "signed-out";
  if (now?.uid !== user?.uid) {
    user = now;
    entries = [];
    cursor = null;
    showEntries();
    open.replaceChildren();
    status.textContent = "";
    balance = undefined;
    if (user) void loadNewest();
  }
  if (state.is !== "known") return;
  open.replaceChildren(...Object.entries(state.openPurchases).map(openPurchase));
  if (status.textContent === words.empty) status.textContent = statusText();
  if (balance !== undefined && balance !== state.balance) void loadNewest(); // something came or went: show it
  balance = state.balance;
}

/** Loads the newest entries, and puts those that are not shown yet above the others. */
async function loadNewest(): Promise<void> {
  const asked = user;
  if (!asked) return;
  const number = ++newestLoad;
  notice.clear();
  if (!entries.length) status.textContent = words.loading;
  try {
    const page = await listTransactions(asked, { limit: PAGE });
    if (asked !== user || number !== newestLoad) return; // an answer of yesterday
    const shown = new Set(entries.map(({ id }) => id));
    const added = page.transactions.filter(({ id }) => !shown.has(id));
    if (added.length < page.transactions.length) {
      entries = [...added, ...entries];
    } else {
      entries = added; // nothing in common, so there may be a gap: begin anew
      cursor = page.next_cursor;
    }
    showEntries();
    status.textContent = statusText();
  } catch (error) {
    if (asked !== user || number !== newestLoad) return;
    if (!entries.length) status.textContent = words.failed;
    notice.show(error, () => void loadNewest());
  }
}

async function loadMore(): Promise<void> {
  const [asked, from] = [user, cursor];
  if (!asked) return;
  notice.clear();
  more.disabled = true;
  more.classList.add("busy");
  try {
    const page = await listTransactions(asked, { limit: PAGE, cursor: from });
    if (asked === user && from === cursor) {
      entries = [...entries, ...page.transactions];
      cursor = page.next_cursor;
      showEntries();
      status.textContent = statusText();
    }
  } catch (error) {
    if (asked === user) notice.show(error, () => void loadMore());
  }
  more.disabled = false;
  more.classList.remove("busy");
}

function showEntries(): void {
  rows.replaceChildren(...entries.map(row));
  table.hidden = csv.hidden = !entries.length;
  more.hidden = cursor === null;
}

function statusText(): string {
  if (!entries.length) return open.childElementCount ? "" : words.empty;
  return cursor === null ? `${words.loaded(entries.length)} ${words.all}` : words.loaded(entries.length);
}

function openPurchase([sessionId, stands]: [string, OpenPurchase]): HTMLElement {
  const href = `/token-purchase-success?${new URLSearchParams({ session_id: sessionId })}`;
  return make("li", {}, make("span", {}, words.open[stands]), " ", make("a", { href }, words.open.see));
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
  const asked = user;
  if (!asked) return;
  csv.disabled = true;
  status.textContent = words.downloading;
  try {
    const all: Transaction[] = [];
    let next: string | null = null;
    do {
      const page: { transactions: Transaction[]; next_cursor: string | null } = await listTransactions(asked, {
        limit: PAGE_MAX,
        cursor: next,
      });
      all.push(...page.transactions);
      next = page.next_cursor;
    } while (next !== null && asked === user);
    const known = await names;
    if (asked === user) save(toCsv(all, known));
  } catch (error) {
    if (asked === user) notice.show(error, () => void saveCsv());
  }
  if (asked === user) status.textContent = statusText();
  csv.disabled = false;
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: url, download: words.fileName }).click();
  URL.revokeObjectURL(url);
}
