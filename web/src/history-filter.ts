// Which entries of the history are shown. The filter is part of the page's address, so that it can be kept and shared.
import type { Transaction } from "./api";

export const TYPE_GROUPS = ["all", "purchases", "spending", "refunds", "other"] as const;
export type TypeGroup = (typeof TYPE_GROUPS)[number];

const GROUP_OF: Record<string, TypeGroup> = {
  purchase: "purchases",
  spend: "spending",
  spend_reversal: "spending",
  refund: "refunds",
  dispute: "refunds",
  dispute_reversal: "refunds",
};

/** `from` and `to` are days in the reader's time zone, as "2026-10-25", both included; empty for no limit. */
export interface Filter {
  type: TypeGroup;
  from: string;
  to: string;
}

export const NO_FILTER: Filter = { type: "all", from: "", to: "" };

export const isFiltering = (filter: Filter) => filter.type !== "all" || filter.from !== "" || filter.to !== "";

/** Reads a filter from an address, ignoring values that make no sense. */
export function filterFrom(query: URLSearchParams): Filter {
  const type = TYPE_GROUPS.find((group) => group === query.get("type")) ?? "all";
  return { type, from: dayFrom(query.get("from")), to: dayFrom(query.get("to")) };
}

/** Returns the query of a filter's address, "" if nothing is filtered. */
export function queryOf({ type, from, to }: Filter): string {
  const query = new URLSearchParams();
  if (type !== "all") query.set("type", type);
  if (from) query.set("from", from);
  if (to) query.set("to", to);
  return query.size > 0 ? `?${query}` : "";
}

function dayFrom(value: string | null): string {
  const isDay = value !== null && /^\d{4}-\d{2}-\d{2}$/u.test(value) && !Number.isNaN(Date.parse(value));
  return isDay ? value : "";
}

export function matches(entry: Pick<Transaction, "type" | "timestamp">, filter: Filter): boolean {
  const day = dayOf(new Date(entry.timestamp));
  const group = GROUP_OF[entry.type] ?? "other";
  return (
    (filter.type === "all" || filter.type === group) &&
    (filter.from === "" || day >= filter.from) &&
    (filter.to === "" || day <= filter.to)
  );
}

/** Whether an entry and everything older is before the filter's first day. */
export const isBefore = (entry: Pick<Transaction, "timestamp">, filter: Filter) =>
  filter.from !== "" && dayOf(new Date(entry.timestamp)) < filter.from;

/** The day in the reader's time zone. */
function dayOf(when: Date): string {
  const twoDigits = (value: number) => String(value).padStart(2, "0");
  return `${when.getFullYear()}-${twoDigits(when.getMonth() + 1)}-${twoDigits(when.getDate())}`;
}
