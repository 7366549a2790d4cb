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
import { Notice } from "../notice";
import type { User } from "../session";
import { askToSignIn, openPage, userOf } from "../shell";
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
  make("button", { class: "button primary", type: "button", click: () => void askToSignIn() }, texts.account.signIn),
);

let user: User | undefined;
let cursor: string | null = null;
let balance: number | undefined;
const names: Promise<PackNames> = listPackages().then(
  (packs) => new Map(packs.map(({ id, name }) => [id, name])),
  () => new Map(),
);

openPage("transactions").append(
  make("div", { class: "page-head" }, make("h1", {}, words.title), make("p", { class: "lead" }, words.lead), csv),
  notice.element,
  signedOut,
  table,
  status,
  more,
);
table.hidden = true;
more.addEventListener("click", () => void load(cursor));
csv.addEventListener("click", () => void saveCsv());
watch(onAccount);

function onAccount(state: AccountState): void {
  const now = userOf(state);
  signedOut.hidden = state.is !== "signed-out";
  if (now?.uid !== user?.uid) {
    user = now;
    rows.replaceChildren();
    table.hidden = more.hidden = csv.hidden = true;
    status.textContent = "";
    balance = undefined;
    if (user) void load(null);
  }
  if (state.is !== "known") return;
  if (balance !== undefined && balance !== state.balance) void load(null); // something came or went: show it
  balance = state.balance;
}

async function load(from: string | null): Promise<void> {
  const asked = user;
  if (!asked) return;
  notice.clear();
  more.disabled = true;
  more.classList.toggle("busy", from !== null);
  if (!rows.childElementCount) status.textContent = words.loading;
  try {
    const [page, packNames] = await Promise.all([listTransactions(asked, { limit: PAGE, cursor: from }), names]);
    if (asked !== user) return; // somebody else signed in meanwhile
    const first = from === null ? undefined : rows.childElementCount;
    const shown = page.transactions.map((entry) => row(entry, packNames));
    if (first === undefined) rows.replaceChildren(...shown);
    else rows.append(...shown);
    cursor = page.next_cursor;
    table.hidden = csv.hidden = !rows.childElementCount;
    more.hidden = cursor === null;
    status.textContent = statusOf(rows.childElementCount);
  } catch (error) {
    if (!rows.childElementCount) status.textContent = words.failed;
    notice.show(error, () => void load(from));
  }
  more.disabled = false;
  more.classList.remove("busy");
}

function statusOf(count: number): string {
  if (!count) return words.empty;
  return cursor === null ? `${words.loaded(count)} ${words.all}` : words.loaded(count);
}

function row(entry: Transaction, packNames: PackNames): HTMLElement {
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
  if (!user) return;
  csv.disabled = true;
  status.textContent = words.downloading;
  try {
    const entries: Transaction[] = [];
    let next: string | null = null;
    do {
      const page: { transactions: Transaction[]; next_cursor: string | null } = await listTransactions(user, {
        limit: PAGE_MAX,
        cursor: next,
      });
      entries.push(...page.transactions);
      next = page.next_cursor;
    } while (next !== null);
    save(toCsv(entries, await names));
  } catch (error) {
    notice.show(error, () => void saveCsv());
  }
  status.textContent = statusOf(rows.childElementCount);
  csv.disabled = false;
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: url, download: words.fileName }).click();
  URL.revokeObjectURL(url);
}
