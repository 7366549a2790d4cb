// /transactions: the head of the history; its rows come from the API.
import download from "bootstrap-icons/icons/download.svg?raw";
import printer from "bootstrap-icons/icons/printer.svg?raw";
import { icon, make } from "../dom";
import { TYPE_GROUPS } from "../history-filter";
import { texts } from "../texts";
import { debtPlace, noticePlace, pageHead, signedOutPlace } from "./parts";

const words = texts.history;

export function transactions(): Node[] {
  return [
    pageHead(words.title, words.lead, tools()),
    debtPlace(),
    noticePlace(),
    signedOutPlace(words.signedOutTitle),
    make("p", { id: "print-head", class: "print-only" }),
    make("ul", {
      id: "open-purchases",
      class: "open-purchases",
      "aria-label": words.open.label,
      "data-testid": "open-purchases",
    }),
    filter(),
    table(),
    make("p", { id: "status", class: "quiet status", role: "status", "data-testid": "history-status", tabindex: -1 }),
    make(
      "button",
      { id: "more", class: "button plain", type: "button", hidden: true, "data-testid": "more" },
      words.more,
    ),
  ];
}

function tools(): HTMLElement {
  const button = (id: string, svgText: string, label: string) =>
    make(
      "button",
      { id, class: "button plain small", type: "button", "data-testid": id },
      icon(svgText),
      make("span", {}, label),
    );
  return make(
    "div",
    { id: "tools", class: "tools", hidden: true },
    button("print", printer, words.print),
    button("csv", download, words.download),
  );
}

function filter(): HTMLElement {
  const { label, type, types, from, to, clear } = words.filter;
  const options = TYPE_GROUPS.map((group) => make("option", { value: group === "all" ? "" : group }, types[group]));
  const field = (name: string, text: string, control: HTMLElement) =>
    make("div", { class: "field" }, make("label", { for: `filter-${name}` }, text), control);
  return make(
    "form",
    { id: "filter", class: "filter", role: "search", "aria-label": label, hidden: true, "data-testid": "filter" },
    field("type", type, make("select", { id: "filter-type", name: "type" }, ...options)),
    field("from", from, make("input", { id: "filter-from", name: "from", type: "date" })),
    field("to", to, make("input", { id: "filter-to", name: "to", type: "date" })),
    make("button", { class: "link", type: "reset", id: "filter-clear", hidden: true }, clear),
  );
}

function table(): HTMLElement {
  const { when, what, amount, balance } = words.columns;
  const head = (text: string, className?: string) => make("th", { scope: "col", class: className }, text);
  return make(
    "table",
    { id: "history", class: "history", hidden: true },
    make("thead", {}, make("tr", {}, head(when), head(what), head(amount, "number"), head(balance, "number"))),
    make("tbody", { id: "entries", "data-testid": "entries" }),
  );
}
