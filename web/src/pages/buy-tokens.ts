// /buy-tokens: the packs, the balance, and one click to Stripe.
import "../styles/buy.css";
import { listPackages, type Package } from "../api";
import { buy, remedyFor, type Wanted } from "../checkout";
import { chooseCurrency, currenciesOf, currencyFor, inCurrency } from "../currency";
import { showDebt } from "../debt";
import { byId, setBusy } from "../dom";
import { priceOf } from "../money";
import { Notice, tryAgain } from "../notice";
import { translated } from "../packages";
import { startShell } from "../shell";
import { texts } from "../texts";
import { currencyOptions } from "../views/buy-tokens";
import { packCard } from "../views/pack-card";

const words = texts.buy;
const notice = new Notice(byId("notice"));
const packs = byId("packs");
const choice = byId<HTMLSelectElement>("currency");
const offers = new Map<string, Package>(); // each at the price that is shown
let packages: Package[] = [];
let buying: string | null = null;

startShell();
showDebt(byId("debt"));
enable(packs);
packs.addEventListener("click", onClick);
choice.addEventListener("change", () => {
  chooseCurrency(choice.value);
  show(choice.value);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) showBuying(null);
});
void load();

/** The page has the packs of its build; the API knows which of them are on sale now, and for how much. */
async function load(): Promise<void> {
  try {
    packages = await listPackages();
    const currency = currencyFor(packages);
    showCurrencies(currency);
    show(currency);
  } catch (error) {
    notice.show(
      error,
      tryAgain(() => void load()),
    );
  }
}

/** Replaces the cards that differ: what a reader sees or has focused stays, and everything while a pack is being bought. */
function show(currency = ""): void {
  const shown = packages.map((pack) => inCurrency(pack, currency));
  for (const pack of shown) offers.set(pack.id, pack);
  if (buying !== null) return;
  const cards = shown.map((pack) => packCard(pack));
  for (const card of cards) enable(card);
  for (const [position, card] of cards.entries()) {
    const old = packs.children[position];
    if (!old) packs.append(card);
    else if (!old.isEqualNode(card)) old.replaceWith(card);
  }
  while (packs.children.length > cards.length) packs.lastElementChild?.remove();
  if (shown.length === 0) notice.say(words.empty);
}

function showCurrencies(current = ""): void {
  const currencies = currenciesOf(packages);
  byId("currency-choice").hidden = currencies.length < 2;
  choice.replaceChildren(...currencyOptions(currencies));
  choice.value = current;
  choice.disabled = buying !== null;
}

function enable(parent: ParentNode): void {
  for (const button of parent.querySelectorAll<HTMLButtonElement>("button.buy")) button.disabled = false;
}

function onClick(event: Event): void {
  const button = (event.target as Element).closest<HTMLElement>("button.buy");
  const id = button?.closest<HTMLElement>("[data-package]")?.dataset["package"];
  if (id && button?.ariaDisabled !== "true") void start(wanted(id));
}

function wanted(id: string): Wanted {
  const offer = offers.get(id);
  return offer ? { id, name: translated(offer.name), price: priceOf(offer) } : { id, name: id, price: null };
}

async function start(pack: Wanted): Promise<void> {
  notice.clear();
  showBuying(pack.id);
  try {
    if (await buy(pack, () => notice.say(words.stillOpening))) return; // the button stays busy until Stripe's page appears
  } catch (error) {
    notice.show(
      error,
      remedyFor(error, () => void start(pack)),
    );
  }
  showBuying(null);
  if (packages.length > 0) show(choice.value);
}

/** Shows which pack is being bought; until then, no other can be. */
function showBuying(id: string | null): void {
  buying = id;
  choice.disabled = id !== null;
  for (const button of packs.querySelectorAll<HTMLElement>("button.buy")) {
    const isChosen = id !== null && button.dataset["testid"] === `buy-${id}`;
    setBusy(button, id !== null);
    button.classList.toggle("busy", isChosen);
    button.textContent = isChosen ? words.opening : words.buyNow;
    const { name } = wanted(button.closest<HTMLElement>("[data-package]")?.dataset["package"] ?? "");
    button.ariaLabel = isChosen ? `${words.opening} ${name}` : words.buyNowOf(name);
  }
}
