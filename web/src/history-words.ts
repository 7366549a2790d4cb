// What a ledger entry means to its owner.
import type { Transaction } from "./api";
import { texts } from "./texts";

const words = texts.history;

/** Package names by package id. */
export type PackNames = ReadonlyMap<string, string>;

/** Describes an entry in a few words. While `names` is undefined, a pack is called just that. */
export function describe(entry: Transaction, names: PackNames | undefined): string {
  const { details } = entry;
  const pack = packName(entry, names);
  switch (entry.type) {
    case "purchase":
      return words.purchase(pack, details.bonus ?? 0);
    case "refund":
      return entry.amount > 0 ? words.refundFailed(pack) : words.refund(pack);
    case "dispute":
      return words.dispute(pack);
    case "dispute_reversal":
      return words.disputeReversal(pack);
    case "spend":
      return details.reason ?? words.spend;
    case "grant":
    case "adjustment":
      return words[entry.type]; // an operator's reason is a note for operators
  }
}

function packName({ details }: Transaction, names: PackNames | undefined): string {
  return names && details.packageId ? (names.get(details.packageId) ?? details.packageId) : words.somePack;
}

/** Returns entries as CSV (RFC 4180), safe from being read as formulas by a spreadsheet. */
export function toCsv(entries: Transaction[], names: PackNames): string {
  const rows = entries.map((entry) => [
    entry.timestamp,
    words.types[entry.type],
    describe(entry, names),
    entry.details.packageId ?? "",
    entry.amount,
    entry.balanceAfter,
    entry.type === "purchase" ? (entry.details.paymentAmountUSD ?? "") : "",
    entry.id,
  ]);
  return [words.csvColumns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const harmless = /^[=+\-@\t\r]/u.test(value) ? `'${value}` : value;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
