// The card of one pack. The build writes it into the page, and the page compares it with what the API offers.
import gem from "bootstrap-icons/icons/gem.svg?raw";
import gift from "bootstrap-icons/icons/gift.svg?raw";
import star from "bootstrap-icons/icons/star-fill.svg?raw";
import type { Package } from "../api";
import { coinStack } from "../coins";
import { icon, make } from "../dom";
import { priceOf } from "../money";
import { badgeOf, translated } from "../packages";
import { formats, texts } from "../texts";

const words = texts.buy;

/** Its button is disabled until the page's program runs: a click before that would be lost. */
export function packCard(pack: Package): HTMLLIElement {
  const badge = badgeOf(pack);
  const price = priceOf(pack);
  return make(
    "li",
    { class: ["pack", badge?.look, !pack.available && "gone"].filter(Boolean).join(" "), "data-package": pack.id },
    badge && make("p", { class: "badge" }, icon(badge.look === "best" ? gem : star), badge.label),
    coinStack(pack.tokens, pack.bonus),
    make("h2", {}, translated(pack.name)),
    make("p", { class: "tokens" }, make("strong", {}, formats.number(pack.tokens)), ` ${words.unit(pack.tokens)}`),
    make("p", { class: "bonus" }, ...(pack.bonus > 0 ? [icon(gift), words.bonus(pack.bonus)] : [])),
    make("p", { class: "description" }, translated(pack.description)),
    make(
      "p",
      { class: "price" },
      make("strong", {}, formats.money(price)),
      make("small", {}, words.perToken(formats.unitPrice(price, pack.tokens))),
    ),
    pack.available ? buyButton(pack, badge !== null) : unavailable(),
  );
}

function buyButton({ id, name }: Package, isHighlighted: boolean): HTMLElement {
  const attributes = {
    class: `button wide buy ${isHighlighted ? "primary" : "plain"}`,
    type: "button",
    disabled: true,
    "aria-label": words.buyNowOf(translated(name)),
    "data-testid": `buy-${id}`,
  };
  return make("button", attributes, words.buyNow);
}

function unavailable(): HTMLElement {
  return make("p", { class: "why-gone" }, make("strong", {}, words.unavailable), " ", words.unavailableWhy);
}
