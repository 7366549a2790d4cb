// <token-balance>: the visitor's balance.
import { make, wantsReducedMotion } from "../../src/dom";
import { coin } from "./coin";
import { watchBalance } from "./connect";
import { TokenElement, type Words } from "./element";
import type { BalanceChange, BalanceListener, BalanceState, LowBalance } from "./types";

const RISE_MS = 900;

const STYLE = `
  :host { display: none; align-items: center; gap: .4em; white-space: nowrap; font-variant-numeric: tabular-nums; }
  :host([state]:not([state="signed-out"])) { display: inline-flex; }
  :host([hidden]) { display: none !important; }
  .coin { width: 1.15em; height: 1.15em; flex: none; color: var(--token-coin, currentColor); }
  .number { font-weight: 700; }
  .note { padding: 0 .45em; border: 1px solid; border-radius: 1em; font-size: .8em; color: var(--token-low, currentColor); }
  .note:empty { display: none; }
  .announcement { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .turning { animation: turn .9s cubic-bezier(.3, .7, .3, 1); }
  @keyframes turn { from { transform: rotateY(0) } to { transform: rotateY(720deg) } }
  @media (prefers-reduced-motion: reduce) { .turning { animation: none } }
`;

export class TokenBalance extends TokenElement {
  static readonly observedAttributes: readonly string[] = ["locale", "threshold", "api", "silent"];

  readonly #coin = coin();
  readonly #number = make("span", { class: "number", part: "number" }, "–");
  readonly #unit = make("span", { class: "unit", part: "unit" });
  readonly #visible = make("span", { class: "visible", "aria-hidden": "true" }, this.#number, " ", this.#unit);
  readonly #note = make("span", { class: "note", part: "note", "aria-hidden": "true" }); // the announcement says it too
  /** What screen readers announce: once per change, not at every step of the animation. */
  readonly #announcement = make("span", { class: "announcement", role: "status" });
  #words: Words | undefined;
  #state: BalanceState = { status: "connecting" };
  #isSignedIn: boolean | undefined;
  #frame = 0;
  #unwatch: (() => void) | undefined;

  constructor() {
    super(STYLE);
    this.shadow.append(this.#coin, this.#visible, this.#note, this.#announcement);
  }

  /** The balance on display, or undefined while it is unknown. */
  get balance(): number | undefined {
    return this.#state.status === "known" ? this.#state.balance : undefined;
  }

  connectedCallback(): void {
    this.#words = undefined;
    this.#unwatch = this.watch((state) => this.#show(state));
  }

  disconnectedCallback(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    cancelAnimationFrame(this.#frame);
  }

  attributeChangedCallback(name: string): void {
    if (!this.#unwatch) return;
    this.#words = undefined;
    if (name === "api") {
      this.disconnectedCallback();
      this.#show({ status: "connecting" });
      this.connectedCallback();
    } else {
      this.#render();
    }
  }

  /**
   * Where the balance comes from.
   * @internal
   */
  protected watch(listener: BalanceListener): () => void {
    return watchBalance(this.getAttribute("api"), listener);
  }

  #show(state: BalanceState): void {
    const before = this.#state;
    const { balance: previous } = this;
    this.#state = state;
    this.#render(previous);
    this.#tellSignIn(state);
    if (state.status === "unknown" && before.status !== "unknown") this.emitError(state.error);
    if (state.status !== "known" || state.balance === previous) return;
    this.emit<BalanceChange>("balancechange", { balance: state.balance, previous });
    const threshold = this.#threshold;
    if (state.balance < threshold && !(previous !== undefined && previous < threshold))
      this.emit<LowBalance>("lowbalance", { balance: state.balance, threshold });
  }

  #tellSignIn({ status }: BalanceState): void {
    if (status === "connecting" || status === "unknown") return;
    const isSignedIn = status !== "signed-out";
    if (isSignedIn === this.#isSignedIn) return;
    this.#isSignedIn = isSignedIn;
    this.emit(isSignedIn ? "signin" : "signout");
  }

  get #threshold(): number {
    const text = this.getAttribute("threshold");
    return text === null || text.trim() === "" ? Number.NEGATIVE_INFINITY : Number(text);
  }

  #render(previous = this.balance): void {
    this.#words ??= this.words();
    const { balance: words, unit } = this.#words;
    const { balance } = this;
    const isLow = balance !== undefined && balance < this.#threshold;
    this.toggleAttribute("state", this.#state.status !== "connecting");
    if (this.hasAttribute("state")) this.setAttribute("state", isLow ? "low" : this.#state.status);
    this.#visible.title = this.#state.status === "unknown" ? words.unknown : "";
    this.#unit.textContent = unit(balance ?? 0);
    this.#note.textContent = isLow ? words.low : "";
    this.#announce(balance, isLow);
    this.#count(previous, balance);
  }

  #announce(balance: number | undefined, isLow: boolean): void {
    const { balance: words, language } = this.#words as Words;
    const announcement = this.#announcement;
    const isSilent = this.hasAttribute("silent"); // the text stays, for reading line by line
    announcement.toggleAttribute("role", !isSilent);
    if (!isSilent) announcement.role = "status";
    announcement.ariaLive = isSilent ? "off" : "polite";
    announcement.lang = language;
    if (balance === undefined) announcement.textContent = this.#visible.title;
    else announcement.textContent = isLow ? words.lowAnnouncement(balance) : words.announcement(balance);
  }

  /** Shows the number, counting up or down from the one before. */
  #count(from: number | undefined, to: number | undefined): void {
    cancelAnimationFrame(this.#frame);
    const write = (value: number) => {
      this.#number.textContent = this.#words?.formats.number(value) ?? "–";
    };
    if (to === undefined) {
      this.#number.textContent = "–";
    } else if (from === undefined || from === to || wantsReducedMotion()) {
      write(to);
    } else {
      this.#coin.classList.remove("turning");
      void this.offsetWidth; // restarts the animation
      this.#coin.classList.add("turning");
      const start = performance.now();
      const step = (now: number) => {
        const progress = Math.min(1, Math.max(0, (now - start) / RISE_MS));
        write(Math.round(from + (to - from) * (1 - (1 - progress) ** 3)));
        if (progress < 1) this.#frame = requestAnimationFrame(step);
      };
      this.#frame = requestAnimationFrame(step);
    }
  }
}
