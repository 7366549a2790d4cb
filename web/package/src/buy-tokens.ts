// <buy-tokens>: the packs on sale, and one click to Stripe.
import type { Package } from "../../src/api";
import { currenciesOf, inCurrency, pickCurrency } from "../../src/currency";
import { make } from "../../src/dom";
import { errorTextIn } from "../../src/error-words";
import { priceOf } from "../../src/money";
import { type Connection, watchConnection } from "./connection";
import { TokenElement, type Words } from "./element";
import { SignedOut, UnknownApi } from "./errors";
import type { Checkout } from "./types";

const STYLE = `
  :host { display: block; }
  :host([hidden]) { display: none; }
  ul { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(11rem, 100%), 1fr)); gap: var(--token-gap, 1rem);
    margin: 0; padding: 0; list-style: none; }
  li { display: flex; flex-direction: column; gap: .35rem; padding: 1rem; border-radius: var(--token-radius, .75rem);
    border: 1px solid var(--token-border, color-mix(in srgb, currentColor 30%, transparent)); overflow-wrap: anywhere; }
  p { margin: 0; }
  .badge { align-self: start; padding: 0 .6em; border: 1px solid; border-radius: 1em; font-size: .75em; }
  .name { font-weight: 700; }
  .price { margin-block-start: auto; font-weight: 700; font-variant-numeric: tabular-nums; }
  button { padding: .6em 1em; border: 1px solid transparent; border-radius: var(--token-radius, .75rem); font: inherit;
    font-weight: 600; cursor: pointer; background: var(--token-accent, #0b6049); color: var(--token-on-accent, #fff); }
  button:focus-visible { outline: 3px solid; outline-color: currentColor; outline-offset: 2px; }
  li button:focus-visible { outline-color: var(--token-accent, #0b6049); }
  button[aria-disabled] { opacity: .65; cursor: progress; }
  .message:not(:empty) { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; margin-block-end: 1rem; }
`;

export class BuyTokens extends TokenElement {
  static readonly observedAttributes: readonly string[] = ["packages", "currency", "locale", "api"];

  readonly #message = make("div", { class: "message", part: "message", role: "alert" });
  readonly #status = make("p", { class: "status", part: "message", role: "status" });
  readonly #list = make("ul", { part: "list" });
  #connection: Connection | undefined;
  #offers: Package[] = [];
  #bought: string | undefined;
  /** The latest request for the packs: the answers to earlier ones don't count. */
  #request = 0;
  #unwatch: (() => void) | undefined;

  constructor() {
    super(STYLE);
    this.shadow.append(this.#message, this.#status, this.#list);
  }

  connectedCallback(): void {
    this.#unwatch = watchConnection(this.getAttribute("api"), (connection) => {
      this.#connection = connection instanceof UnknownApi ? undefined : connection;
      this.#offers = [];
      if (connection instanceof UnknownApi) this.#fail(connection);
      else void this.#load(connection);
    });
    window.addEventListener("pageshow", this.#onReturn);
  }

  disconnectedCallback(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#request++;
    window.removeEventListener("pageshow", this.#onReturn);
  }

  attributeChangedCallback(name: string): void {
    if (!this.#unwatch) return;
    if (name === "api") {
      this.disconnectedCallback();
      this.connectedCallback();
    } else {
      this.#render();
    }
  }

  /** "Back" may show a page that the browser has kept: it isn't buying anymore. */
  readonly #onReturn = (event: PageTransitionEvent) => {
    if (event.persisted) this.#setBought(undefined);
  };

  async #load(connection: Connection): Promise<void> {
    const request = ++this.#request;
    this.#say("");
    this.#status.textContent = this.words().buy.loading;
    try {
      const offers = await connection.packages();
      if (request !== this.#request) return;
      this.#offers = offers;
      this.#render();
    } catch (error) {
      if (request === this.#request) this.#fail(error, () => void this.#load(connection));
    }
  }

  /** The packs of the attribute `packages`, in its order, without it all; each at its price in the visitor's currency. */
  #chosen(): Package[] {
    const setting = this.getAttribute("currency")?.toLowerCase() ?? "auto";
    const choice = { chosen: null, setting, locales: navigator.languages };
    const currency = pickCurrency(currenciesOf(this.#offers), choice) ?? "";
    return this.#named().map((pack) => inCurrency(pack, currency));
  }

  #named(): Package[] {
    const wanted =
      this.getAttribute("packages")
        ?.split(/[\s,]+/u)
        .filter(Boolean) ?? [];
    if (wanted.length === 0) return this.#offers;
    return wanted.flatMap((id) => this.#offers.find((offer) => offer.id === id) ?? []);
  }

  #render(): void {
    const words = this.words();
    const packs = this.#chosen();
    for (const part of [this.#message, this.#status, this.#list]) part.lang = words.language;
    this.#list.ariaLabel = words.buy.listLabel;
    this.#status.textContent = packs.length === 0 ? words.buy.empty : "";
    this.#list.replaceChildren(...packs.map((pack) => this.#card(pack, words)));
    this.#setBought(this.#bought);
  }

  #card(pack: Package, { buy: words, formats, language }: Words): HTMLLIElement {
    const { id, tokens, bonus, badge, badge_kind } = pack;
    const translated = (text: string) => this.#connection?.translated(text, language);
    const label = words.badges[badge_kind ?? ""] ?? badge;
    return make(
      "li",
      { part: "pack", "data-package": id },
      label && make("p", { class: "badge", part: "badge" }, label),
      make("p", { class: "name", part: "name" }, translated(pack.name)),
      make("p", { part: "tokens" }, `${formats.number(tokens)} ${words.unit(tokens)}`),
      bonus > 0 && make("p", { part: "bonus" }, words.bonus(bonus)),
      make("p", { part: "description" }, translated(pack.description)),
      make("p", { class: "price", part: "price" }, formats.money(priceOf(pack))),
      pack.available
        ? make("button", { type: "button", part: "button", click: () => void this.#buy(pack) })
        : make("p", { part: "unavailable" }, words.unavailable),
    );
  }

  async #buy({ id, currency }: Package): Promise<void> {
    if (this.#bought !== undefined || !this.#connection) return;
    this.#say("");
    this.#setBought(id);
    try {
      const { session_id: sessionId, url } = await this.#connection.order(id, currency);
      const goes = this.emit<Checkout>("checkout", { package: id, sessionId, url }, { cancelable: true });
      if (goes) return location.assign(url); // the button stays busy until Stripe's page appears
    } catch (error) {
      this.#fail(error);
    }
    this.#setBought(undefined);
  }

  /** Shows which pack is being bought; until then, no other can be. */
  #setBought(id: string | undefined): void {
    this.#bought = id;
    const { buy: words } = this.words();
    for (const button of this.#list.querySelectorAll("button")) {
      const card = button.closest("li");
      const isChosen = id !== undefined && card?.dataset["package"] === id;
      button.ariaDisabled = id === undefined ? null : "true"; // a disabled button would lose the focus
      button.textContent = isChosen ? words.opening : words.buyNow;
      button.ariaLabel = isChosen ? words.opening : words.buyNowOf(card?.querySelector(".name")?.textContent ?? "");
    }
  }

  #fail(error: unknown, retry?: () => void): void {
    const { errors: words } = this.words();
    this.#status.textContent = "";
    const text = error instanceof SignedOut ? words.signIn : errorTextIn(words, error, new Date());
    this.#say(text, retry && make("button", { type: "button", part: "button", click: retry }, words.retry));
    this.emitError(error);
  }

  #say(text: string, action?: HTMLElement): void {
    this.#message.replaceChildren(...(text ? [make("span", {}, text)] : []), ...(action ? [action] : []));
  }
}
