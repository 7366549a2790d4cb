// What an entry of the ledger means to its owner.
import type { Transaction } from "./api";
import { texts } from "./texts";

const words = texts.history;

/** Names of packages by id. */
export type PackNames = ReadonlyMap<string, string>;

/** Without names a pack is just a pack. */
export function describe(entry: Transaction, names: PackNames | undefined): string {
  const { details } = entry;
  const pack = packOf(entry, names);
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
    default:
      return words[entry.type]; // an operator's reason is a note for operators
  }
}

function packOf({ details }: Transaction, names: PackNames | undefined): string {
  return names && details.packageId ? (names.get(details.packageId) ?? details.packageId) : words.somePack;
}

/** Writes entries as RFC 4180 says; a spreadsheet must take no text for a formula. */
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
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
