// What a ledger entry means to its owner.
import type { Transaction } from "./api";
import type { Money } from "./money";
import { inMainUnit } from "./money";
import { formats, texts } from "./texts";

const words = texts.history;

/** Package names by package id, in the page's language. */
export type PackNames = ReadonlyMap<string, string>;

/** What is known beside an entry. While `names` is undefined, a pack is called just that. */
export interface Context {
  names?: PackNames | undefined;
  /** Entries that may say more about this one's purchase. */
  entries: readonly Transaction[];
}

export const typeOf = (entry: Transaction) => words.types[entry.type] ?? words.otherType;

/** Describes an entry in a few words. */
export function describe(entry: Transaction, context: Context): string {
  const pack = packName(entry, context.names);
  switch (entry.type) {
    case "purchase":
      return words.purchase(pack, entry.details.bonus ?? 0);
    case "refund":
      return entry.amount > 0 ? words.refundFailed(pack) : refund(entry, pack, context);
    case "dispute":
      return words.dispute(pack);
    case "dispute_reversal":
      return words.disputeReversal(pack);
    case "spend":
      return entry.details.reason ?? words.spend;
    case "spend_reversal":
      return entry.details.reason ?? words.spendReversal;
    case "grant":
      return grant(entry);
    case "expiry":
      return words.expiry(lastDay(entry.details.expiredAt ?? entry.timestamp));
    case "adjustment":
      return words.adjustment; // an operator's reason is a note for operators
  }
}

function grant({ details }: Transaction): string {
  // An app's reason, which comes with its key, is for the user; an operator's is a note for operators.
  const own = details.welcome ? words.welcome : words.grant;
  const what = details.idempotencyKey === undefined ? own : (details.reason ?? own);
  const { expiresAt, expiring = 0 } = details; // fewer than were given if some have paid a debt
  return expiresAt && expiring > 0 ? words.grantThatExpires(what, expiring, lastDay(expiresAt)) : what;
}

/** The last day, in UTC, of tokens that are gone from this time on. */
const lastDay = (gone: string) => formats.utcDay(new Date(Date.parse(gone) - 1));

/** A refund entry knows how much of the payment was refunded so far; the purchase knows how much that was. */
function refund(entry: Transaction, pack: string, context: Context): string {
  const paid = paidFor(entry, context.entries);
  const refunded = entry.details.refundedCents;
  if (!paid || refunded === undefined) return words.refund(pack);
  const money = formats.money({ ...paid, amount: refunded });
  return refunded < paid.amount ? words.partialRefundOf(pack, money, formats.money(paid)) : words.refundOf(pack, money);
}

export function packName({ details }: Transaction, names: PackNames | undefined): string {
  return names && details.packageId ? (names.get(details.packageId) ?? details.packageId) : words.somePack;
}

/** What the buyer paid for the purchase that an entry is about. */
export function paidFor(entry: Transaction, entries: readonly Transaction[]): Money | null {
  const session = entry.details.stripeSessionId;
  const purchase = entries.find(({ type, details }) => type === "purchase" && details.stripeSessionId === session);
  return paidBy(entry) ?? (purchase && session ? paidBy(purchase) : null);
}

function paidBy({ details }: Transaction): Money | null {
  const { paymentAmountCents: amount, currency } = details;
  return amount !== undefined && currency !== undefined ? { amount, currency } : null;
}

/** How much money an entry moved: positive to the shop, negative back to the buyer; null if none, or if it isn't known. */
export function moneyOf(entry: Transaction): Money | null {
  const { paymentAmount: amount, currency } = entry.details;
  return amount !== undefined && currency !== undefined ? { amount, currency } : paidBy(entry);
}

/** Returns entries as CSV (RFC 4180), safe from being read as formulas by a spreadsheet. */
export function toCsv(shown: readonly Transaction[], context: Context): string {
  const rows = shown.map((entry) => {
    const money = moneyOf(entry);
    return [
      entry.timestamp.replace("T", " ").replace("Z", ""), // as spreadsheets write it
      typeOf(entry),
      describe(entry, context),
      entry.details.packageId ?? "",
      entry.amount,
      entry.balanceAfter,
      money ? inMainUnit(money) : "",
      money ? money.currency.toUpperCase() : "",
      entry.id,
    ];
  });
  return [words.csvColumns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

// Where a cell may begin, also for spreadsheets that separate by semicolons, before what makes it a formula.
const FORMULAS = /(^|[;\t\r\n])(\s*)(?=[=+\-@＝＋－＠])|^(?=[\t\r])/gu;

function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const harmless = value.replaceAll(FORMULAS, "$1'$2");
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
