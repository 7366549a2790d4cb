// /buy-tokens: the packs as the catalog has them when the pages are built.
import type { Package } from "../api";
import { make } from "../dom";
import { texts } from "../texts";
import { packCard } from "./pack-card";
import { debtPlace, noticePlace, pageHead } from "./parts";

const words = texts.buy;

export function buyTokens(packages: Package[]): Node[] {
  const balance = make("token-balance" as "span", { silent: true });
  return [
    pageHead(words.title, words.lead, make("p", { class: "have" }, words.balance, " ", balance), debtPlace()),
    noticePlace(),
    make(
      "ul",
      { id: "packs", class: "packs", "aria-label": words.listLabel, "data-testid": "packages" },
      ...packages.map(packCard),
    ),
  ];
}
