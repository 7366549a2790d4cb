// The rows of the history, and the purchases in progress above them.
import refund from "bootstrap-icons/icons/arrow-counterclockwise.svg?raw";
import clock from "bootstrap-icons/icons/clock-history.svg?raw";
import gift from "bootstrap-icons/icons/gift.svg?raw";
import spend from "bootstrap-icons/icons/magic.svg?raw";
import plus from "bootstrap-icons/icons/plus-lg.svg?raw";
import shieldOk from "bootstrap-icons/icons/shield-check.svg?raw";
import shield from "bootstrap-icons/icons/shield-exclamation.svg?raw";
import wrench from "bootstrap-icons/icons/wrench.svg?raw";
import type { Transaction } from "./api";
import { icon, make } from "./dom";
import { type Context, describe, moneyOf, typeOf } from "./history-words";
import type { OpenPurchase } from "./live";
import { dismiss, findStarted } from "./started-purchases";
import { formats, texts } from "./texts";

const ICONS: Record<string, string> = {
  purchase: plus,
  spend,
  spend_reversal: refund,
  refund,
  dispute: shield,
  dispute_reversal: shieldOk,
  grant: gift,
  expiry: clock,
  adjustment: wrench,
};
const REFERENCE_END = 8;

const words = texts.history;

const purchasePage = (sessionId: string) => `/token-purchase-success?${new URLSearchParams({ session_id: sessionId })}`;

export function historyRow(entry: Transaction, context: Context): HTMLElement {
  const when = new Date(entry.timestamp);
  const direction = entry.amount < 0 ? "out" : "in";
  return make(
    "tr",
    { "data-id": entry.id, "data-type": entry.type },
    make("td", { class: "when" }, make("time", { datetime: entry.timestamp }, formats.moment(when))),
    make(
      "td",
      { class: "what" },
      make("span", { class: `type ${direction}` }, icon(ICONS[entry.type] ?? wrench)),
      make(
        "span",
        {},
        make("strong", {}, typeOf(entry)),
        make("span", { class: "description" }, describe(entry, context)),
        ...moneyLine(entry, context),
      ),
    ),
    make("td", { class: `number amount ${direction}` }, formats.signed(entry.amount)),
    make(
      "td",
      { class: "number after" },
      make("span", { class: "label" }, words.columns.balance),
      formats.number(entry.balanceAfter),
    ),
  );
}

/** The money that was paid or went back, and from a purchase the way to its receipt. */
function moneyLine(entry: Transaction, context: Context): HTMLElement[] {
  const moved = moneyOf(entry);
  const money = moved && formats.money(moved);
  const receipt = receiptLink(entry, context);
  if (!(money || receipt)) return [];
  return [make("span", { class: "money-line" }, money, money && receipt && " · ", receipt)];
}

function receiptLink(entry: Transaction, context: Context): HTMLElement | null {
  const { stripeSessionId: sessionId } = entry.details;
  if (entry.type !== "purchase" || !sessionId) return null;
  const label = words.receiptOf(`${describe(entry, context)}, ${formats.moment(new Date(entry.timestamp))}`);
  return make("a", { href: purchasePage(sessionId), "aria-label": label }, words.receipt);
}

/** A purchase that isn't credited. Once it has failed, it can be dismissed, which calls `changed`. */
export function openPurchaseItem(
  sessionId: string,
  state: OpenPurchase,
  uid: string,
  changed: () => void,
): HTMLElement {
  const started = findStarted(sessionId);
  const isOver = state === "failed" || state === "rejected";
  const remove = () => {
    dismiss(sessionId, uid);
    changed();
  };
  const name = started?.startedAt
    ? words.open.started(
        [started.pack.name, started.price && formats.money(started.price)].filter(Boolean).join(" · "),
        formats.moment(new Date(started.startedAt)),
      )
    : words.open.reference(sessionId.slice(-REFERENCE_END));
  return make(
    "li",
    { "data-session": sessionId },
    make("span", {}, make("strong", {}, words.open[state]), make("span", { class: "description" }, name)),
    make("a", { href: purchasePage(sessionId), "aria-label": `${words.open.see}: ${name}` }, words.open.see),
    isOver &&
      make(
        "button",
        { class: "link", type: "button", click: remove, "aria-label": `${words.open.dismiss}: ${name}` },
        words.open.dismiss,
      ),
  );
}
