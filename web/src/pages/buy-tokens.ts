// /buy-tokens: the packs, the balance, and one click to Stripe.

import gem from "bootstrap-icons/icons/gem.svg?raw";
import gift from "bootstrap-icons/icons/gift.svg?raw";
import star from "bootstrap-icons/icons/star-fill.svg?raw";
import { listPackages, type Package } from "../api";
import { buy, needsSignIn } from "../checkout";
import { coinStack } from "../coins";
import { debtNote } from "../debt";
import { icon, make } from "../dom";
import { Notice } from "../notice";
import { offerSignIn, openPage } from "../shell";
import "../styles/buy.css";
import { formatDollars, formatNumber, texts } from "../texts";

const words = texts.buy;
const notice = new Notice();
const packs = make("ul", {
  class: "packs",
  "aria-label": words.listLabel,
  "aria-busy": "true",
  "data-testid": "packages",
});

openPage("buy-tokens").append(
  make(
    "div",
    { class: "page-head" },
    make("h1", {}, words.title),
    make("p", { class: "lead" }, words.lead),
    make("p", { class: "have" }, words.balance, " ", make("token-balance" as "span", { silent: true })),
    debtNote(),
  ),
  notice.element,
  packs,
);
void load();
window.addEventListener("pageshow", (event) => event.persisted && setBuying(null));

async function load(): Promise<void> {
  notice.clear();
  packs.setAttribute("aria-busy", "true");
  packs.replaceChildren(...Array.from({ length: 4 }, () => make("li", { class: "pack ghost", "aria-hidden": "true" })));
  try {
    const packages = await listPackages();
    packs.replaceChildren(...packages.map(card));
    if (packages.length === 0) notice.say(words.empty);
  } catch (error) {
    packs.replaceChildren();
    notice.show(error, () => void load());
  }
  packs.setAttribute("aria-busy", "false");
}

function card(pack: Package): HTMLLIElement {
  const highlight = pack.badge && (pack.badge === "BEST VALUE" ? "best" : "popular");
  const name = `pack-${pack.id}`;
  return make(
    "li",
    { class: ["pack", highlight, !pack.available && "gone"].filter(Boolean).join(" "), "data-package": pack.id },
    pack.badge && make("p", { class: "badge" }, icon(highlight === "best" ? gem : star), pack.badge),
    coinStack(pack.tokens, pack.bonus),
    make("h2", { id: name }, pack.name),
    make("p", { class: "tokens" }, make("strong", {}, formatNumber(pack.tokens)), ` ${words.unit}`),
    make("p", { class: "bonus" }, ...(pack.bonus ? [icon(gift), words.bonus(pack.bonus)] : [])),
    make("p", { class: "description" }, pack.description),
    make(
      "p",
      { class: "price" },
      make("strong", {}, formatDollars(pack.price)),
      make("small", {}, words.perToken(pack.price, pack.tokens)),
    ),
    pack.available
      ? make(
          "button",
          {
            class: `button wide buy ${highlight ? "primary" : "plain"}`,
            type: "button",
            "aria-label": words.buyNowOf(pack.name),
            "data-testid": `buy-${pack.id}`,
            click: () => void start(pack),
          },
          words.buyNow,
        )
      : make("p", { class: "why-gone" }, make("strong", {}, words.unavailable), " ", words.unavailableWhy),
  );
}

async function start(pack: Package): Promise<void> {
  notice.clear();
  setBuying(pack);
  try {
    if (await buy(pack)) return; // the button stays busy until Stripe's page appears
  } catch (error) {
    notice.show(error, needsSignIn(error) ? offerSignIn : undefined);
  }
  setBuying(null);
  packs.querySelector<HTMLElement>(`[data-testid=buy-${pack.id}]`)?.focus(); // which it lost when it was disabled
}

/** Shows which pack is being bought; until then, no other can be. */
function setBuying(pack: Package | null): void {
  for (const button of packs.querySelectorAll<HTMLButtonElement>("button.buy")) {
    const isChosen = pack !== null && button.dataset["testid"] === `buy-${pack.id}`;
    button.disabled = pack !== null;
    button.classList.toggle("busy", isChosen);
    button.textContent = isChosen ? words.opening : words.buyNow;
    button.setAttribute("aria-busy", String(isChosen));
  }
}
