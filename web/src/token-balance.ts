// <token-balance>: the signed-in user's balance, live. Any page of the platform can have it:
//
//   <script type="module" src="/token-balance.js"></script>
//   <token-balance></token-balance>
//
// `silent` keeps a second one on a page from being read aloud too. Its colors follow the page's `color`; --token-coin and --token-coin-edge color the coin.
import coin from "bootstrap-icons/icons/coin.svg?raw";
import { type AccountState, watch } from "./account";
import { icon, make, wantsReducedMotion } from "./dom";
import { formatNumber, texts } from "./texts";

const RISE_MS = 900;

const STYLE = `
  :host { display: inline-flex; align-items: center; gap: .4em; white-space: nowrap; font-variant-numeric: tabular-nums; }
  :host([hidden]) { display: none; }
  .coin { width: 1.15em; height: 1.15em; flex: none; color: var(--token-coin, currentColor); }
  .number { font-weight: 700; }
  .spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  :host(.changed) .coin { animation: turn .9s cubic-bezier(.3, .7, .3, 1); }
  @keyframes turn { from { transform: rotateY(0) } to { transform: rotateY(720deg) } }
  @media (prefers-reduced-motion: reduce) { :host(.changed) .coin { animation: none } }
`;

export class TokenBalance extends HTMLElement {
  readonly #coin = icon(coin, "coin");
  readonly #number = make("span", { class: "number" }, "–");
  readonly #unit = make("span", { class: "unit" }, texts.balance.unit(0));
  /** What a screen reader says: once for each change, not at every step of the animation. */
  readonly #spoken = make("span", { class: "spoken", role: "status" });
  #shown: number | undefined;
  #frame = 0;
  #end = () => {};

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [style];
    const visible = make("span", { class: "visible", "aria-hidden": "true" }, this.#number, " ", this.#unit);
    shadow.append(this.#coin, visible, this.#spoken);
  }

  /** The balance that is shown, or undefined while none is known. */
  get balance(): number | undefined {
    return this.#shown;
  }

  connectedCallback(): void {
    if (this.hasAttribute("silent")) this.#spoken.removeAttribute("role"); // the text stays, for who comes across it
    this.#spoken.ariaLive = this.hasAttribute("silent") ? "off" : "polite";
    this.#end = watch((state) => this.#show(state));
  }

  disconnectedCallback(): void {
    this.#end();
    cancelAnimationFrame(this.#frame);
  }

  #show(state: AccountState): void {
    this.hidden = state.is === "signed-out";
    if (state.is === "known") return this.#moveTo(state.balance);
    cancelAnimationFrame(this.#frame);
    this.#shown = undefined;
    this.#number.textContent = "–";
    this.#unit.textContent = texts.balance.unit(0);
    this.#spoken.textContent = state.is === "unknown" ? texts.balance.unknown : "";
    this.title = state.is === "unknown" ? texts.balance.unknown : "";
  }

  #moveTo(balance: number): void {
    const from = this.#shown;
    if (from === balance) return;
    this.#shown = balance;
    this.title = "";
    this.#unit.textContent = texts.balance.unit(balance);
    this.#spoken.textContent = texts.balance.spoken(balance);
    cancelAnimationFrame(this.#frame);
    if (from === undefined || wantsReducedMotion()) {
      this.#number.textContent = formatNumber(balance);
      return;
    }
    this.classList.remove("changed");
    void this.offsetWidth; // so that the coin turns again
    this.classList.add("changed");
    const began = performance.now();
    const step = (now: number) => {
      const part = Math.min(1, Math.max(0, (now - began) / RISE_MS));
      const eased = 1 - (1 - part) ** 3;
      this.#number.textContent = formatNumber(Math.round(from + (balance - from) * eased));
      if (part < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }
}

if (!customElements.get("token-balance")) customElements.define("token-balance", TokenBalance);
