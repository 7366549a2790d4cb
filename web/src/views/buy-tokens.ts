// /buy-tokens: the packs as the catalog has them when the pages are built.
import type { Package } from "../api";
import { currenciesOf } from "../currency";
import { make } from "../dom";
import { formats, texts } from "../texts";
import { packCard } from "./pack-card";
import { debtPlace, noticePlace, pageHead } from "./parts";

const words = texts.buy;

export function buyTokens(packages: Package[]): Node[] {
  const balance = make("token-balance" as "span", { silent: true });
  return [
    pageHead(words.title, words.lead, make("p", { class: "have" }, words.balance, " ", balance), debtPlace()),
    currencyPlace(packages),
    noticePlace(),
    make(
      "ul",
      { id: "packs", class: "packs", "aria-label": words.listLabel, "data-testid": "packages" },
      ...packages.map(packCard),
    ),
  ];
}

function currencyPlace(packages: Package[]): HTMLElement {
  const currencies = currenciesOf(packages);
  return make(
    "p",
    { id: "currency-choice", class: "field currency", hidden: currencies.length < 2 },
    make("label", { for: "currency" }, words.currency),
    make("select", { id: "currency", disabled: true, "data-testid": "currency" }, ...currencyOptions(currencies)),
  );
}

export const currencyOptions = (currencies: string[]): HTMLElement[] =>
  currencies.map((currency) => make("option", { value: currency }, formats.currencyName(currency)));
