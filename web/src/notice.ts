// The place on a page that says what went wrong; screen readers announce it.
import warning from "bootstrap-icons/icons/exclamation-triangle-fill.svg?raw";
import { icon, make } from "./dom";
import { errorText, isOffline } from "./error-texts";
import { texts } from "./texts";

interface NoticeAction {
  label: string;
  run(): void;
}

export const tryAgain = (run: () => void): NoticeAction => ({ label: texts.errors.retry, run });

export class Notice {
  readonly element: HTMLElement;

  constructor(element: HTMLElement) {
    this.element = element;
  }

  clear(): void {
    this.element.replaceChildren();
  }

  /** Explains an error, with a button for what helps. */
  show(error: unknown, action?: NoticeAction): void {
    this.say(errorText(error), action);
    if (isOffline(error)) this.#clearWhenOnline();
  }

  say(message: string, action?: NoticeAction): void {
    this.element.replaceChildren(
      make("div", { class: "notice" }, icon(warning), make("p", {}, message), action && this.#button(action)),
    );
    this.element.scrollIntoView({ block: "nearest", behavior: "auto" });
  }

  #button({ label, run }: NoticeAction): HTMLElement {
    const click = () => {
      this.clear();
      document.querySelector<HTMLElement>("#content")?.focus(); // the button that had the focus is gone
      run();
    };
    return make("button", { class: "button plain small", type: "button", click }, label);
  }

  #clearWhenOnline(): void {
    const notice = this.element.firstChild;
    const clear = () => {
      if (this.element.firstChild === notice) this.clear();
    };
    window.addEventListener("online", clear, { once: true });
  }
}
