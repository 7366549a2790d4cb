// The receipt of a credited purchase, with its refunds and disputes.
import type { Caller, Transaction } from "./api";
import { coinStack } from "./coins";
import { copyButton } from "./copy-button";
import { make } from "./dom";
import { describe, type PackNames, packName, paidFor, typeOf } from "./history-words";
import { START_URL } from "./links";
import { takenBack } from "./purchase";
import { receipt, row } from "./purchase-scenes";
import { stripeReceipt } from "./stripe-receipt";
import { formats, texts } from "./texts";
import { actions, link } from "./views/parts";

const words = texts.success;

interface Receipt {
  purchase: Transaction;
  later: Transaction[];
  /** Whether the buyer was waiting for it. */
  isRecent: boolean;
  names: PackNames | undefined;
  buyer: Caller | undefined;
}

export function receiptOf({ purchase, later, isRecent, names, buyer }: Receipt): Node[] {
  const stripe = buyer && stripeReceipt(purchase, buyer);
  const canStart = purchase.balanceAfter > 0 && takenBack(later) < purchase.amount;
  return [
    coinStack(purchase.amount, purchase.details.bonus ?? 0, { fit: true }),
    make("h1", {}, titleOf(purchase, later, isRecent)),
    ...lead(purchase, later, names).map((text) => make("p", { class: "lead" }, text)),
    receipt([...purchaseRows(purchase, names), ...later.map((entry) => laterRow(entry, purchase, names))]),
    actions(
      canStart ? link(START_URL, words.start, "primary") : link("/buy-tokens", words.buyMore, "primary"),
      link("/transactions", words.history, "plain"),
      stripe?.button ?? false,
    ),
    ...(stripe ? [stripe.place] : []),
  ];
}

function titleOf(purchase: Transaction, later: Transaction[], isRecent: boolean): string {
  if (takenBack(later) >= purchase.amount) {
    return later.at(-1)?.type === "dispute" ? words.disputedTitle : words.refundedTitle;
  }
  return isRecent ? words.creditedTitle(purchase.amount) : words.receiptTitle(purchase.amount);
}

function lead(purchase: Transaction, later: Transaction[], names: PackNames | undefined): string[] {
  const taken = takenBack(later);
  if (taken > 0) return [words.takenBack(taken)];
  const debt = purchase.amount - purchase.balanceAfter;
  const thanks = words.credited(packName(purchase, names));
  if (debt <= 0) return [thanks];
  const left = -purchase.balanceAfter;
  return [thanks, left > 0 ? words.paidPartOfDebt(debt, left) : words.paidDebt(debt)];
}

function purchaseRows(purchase: Transaction, names: PackNames | undefined): HTMLElement[] {
  const paid = paidFor(purchase, []);
  const balance = make("strong", { "data-testid": "new-balance" }, formats.number(purchase.balanceAfter));
  const id = make("code", { "data-testid": "transaction-id" }, purchase.id);
  return [
    row(words.date, formats.moment(new Date(purchase.timestamp))),
    row(words.pack, packName(purchase, names)),
    row(words.added, formats.signed(purchase.amount)),
    ...(paid ? [row(words.paid, formats.money(paid))] : []),
    row(words.balanceAfter, balance),
    row(words.transaction, id, copyButton(purchase.id, words.copyOf)),
  ];
}

/** A refund or a dispute of this purchase. */
function laterRow(entry: Transaction, purchase: Transaction, names: PackNames | undefined): HTMLElement {
  const when = formats.day(new Date(entry.timestamp));
  const what = describe(entry, { names, entries: [purchase] });
  const tokens = make("strong", {}, formats.signed(entry.amount));
  return row(`${typeOf(entry)}, ${when}`, make("span", { "data-testid": "later" }, what), tokens);
}
