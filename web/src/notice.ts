// The place on a page that says what went wrong; screen readers announce it.
import warning from "bootstrap-icons/icons/exclamation-triangle-fill.svg?raw";
import { icon, make } from "./dom";
import { errorText } from "./error-texts";
import { texts } from "./texts";

export class Notice {
  readonly element = make("div", { class: "notice-place", role: "alert", "data-testid": "notice" });

  clear(): void {
    this.element.replaceChildren();
  }

  /** Explains an error; with `retry` there is a button for it. */
  show(error: unknown, retry?: () => void): void {
    this.say(errorText(error), retry);
  }

  say(message: string, retry?: () => void): void {
    this.element.replaceChildren(
      make(
        "div",
        { class: "notice" },
        icon(warning),
        make("p", {}, message),
        retry && make("button", { class: "button plain small", type: "button", click: retry }, texts.errors.retry),
      ),
    );
    this.element.scrollIntoView({ block: "nearest", behavior: "auto" });
  }
}
