// <token-balance>: the signed-in user's balance, live, for any page of the platform:
//
//   <script type="module" src="/token-balance.js"></script>
//   <token-balance></token-balance>
//
// Screen readers announce each change; `silent` keeps a second element on a page from repeating it. The text takes the
// page's `color`; --token-coin colors the coin.
import coin from "bootstrap-icons/icons/coin.svg?raw";
import { type AccountState, userOf, watchPageAccount } from "./account";
import { icon, make, wantsReducedMotion } from "./dom";
import { formats, texts } from "./texts";

const RISE_MS = 900;

const STYLE = `
  :host { display: inline-flex; align-items: center; gap: .4em; white-space: nowrap; font-variant-numeric: tabular-nums; }
  :host([hidden]) { display: none; }
  .coin { width: 1.15em; height: 1.15em; flex: none; color: var(--token-coin, currentColor); }
  .number { font-weight: 700; }
  .announcement { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  :host(.changed) .coin { animation: turn .9s cubic-bezier(.3, .7, .3, 1); }
  @keyframes turn { from { transform: rotateY(0) } to { transform: rotateY(720deg) } }
  @media (prefers-reduced-motion: reduce) { :host(.changed) .coin { animation: none } }
`;

export class TokenBalance extends HTMLElement {
  readonly #coin = icon(coin, "coin");
  readonly #number = make("span", { class: "number" }, "–");
  readonly #unit = make("span", { class: "unit" }, texts.balance.unit(0));
  /** What screen readers announce: once per change, not at every step of the animation. */
  readonly #announcement = make("span", { class: "announcement", role: "status" });
  #shown: number | undefined;
  #frame = 0;
  #unwatch = () => {};

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [style];
    const visible = make("span", { class: "visible", "aria-hidden": "true" }, this.#number, " ", this.#unit);
    shadow.append(this.#coin, visible, this.#announcement);
  }

  /** The balance on display, or undefined while it is unknown. */
  get balance(): number | undefined {
    return this.#shown;
  }

  connectedCallback(): void {
    if (this.hasAttribute("silent")) this.#announcement.removeAttribute("role"); // the text stays, for reading line by line
    this.#announcement.ariaLive = this.hasAttribute("silent") ? "off" : "polite";
    this.#unwatch = watchPageAccount((state) => this.#show(state));
  }

  disconnectedCallback(): void {
    this.#unwatch();
    cancelAnimationFrame(this.#frame);
  }

  #show(state: AccountState): void {
    this.hidden = userOf(state) === undefined;
    if (state.status === "known") this.#moveTo(state.balance);
    else this.#showUnknown(state.status === "unknown");
  }

  #showUnknown(isUnavailable: boolean): void {
    cancelAnimationFrame(this.#frame);
    this.#shown = undefined;
    this.#number.textContent = "–";
    this.#unit.textContent = texts.balance.unit(0);
    this.#announcement.textContent = isUnavailable ? texts.balance.unknown : "";
    this.title = isUnavailable ? texts.balance.unknown : "";
  }

  #moveTo(balance: number): void {
    const from = this.#shown;
    if (from === balance) return;
    this.#shown = balance;
    this.title = "";
    this.#unit.textContent = texts.balance.unit(balance);
    this.#announcement.textContent = texts.balance.announcement(balance);
    cancelAnimationFrame(this.#frame);
    if (from === undefined || wantsReducedMotion()) {
      this.#number.textContent = formats.number(balance);
      return;
    }
    this.classList.remove("changed");
    void this.offsetWidth; // restarts the animation
    this.classList.add("changed");
    const start = performance.now();
    const step = (now: number) => {
      const progress = Math.min(1, Math.max(0, (now - start) / RISE_MS));
      const eased = 1 - (1 - progress) ** 3;
      this.#number.textContent = formats.number(Math.round(from + (balance - from) * eased));
      if (progress < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }
}

if (!customElements.get("token-balance")) customElements.define("token-balance", TokenBalance);
