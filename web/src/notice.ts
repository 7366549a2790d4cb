// One place on a page for what went wrong, read aloud when it changes.
import warning from "bootstrap-icons/icons/exclamation-triangle-fill.svg?raw";
import { icon, make } from "./dom";
import { errorText } from "./error-texts";
import { texts } from "./texts";

export class Notice {
  readonly element = make("div", { class: "notice-place", role: "alert", "data-testid": "notice" });

  clear(): void {
    this.element.replaceChildren();
  }

  /** Says what an error means; with `retry` there is a button for it. */
  show(error: unknown, retry?: () => void): void {
    this.say(errorText(error), retry);
  }

  say(words: string, retry?: () => void): void {
    this.element.replaceChildren(
      make(
        "div",
        { class: "notice" },
        icon(warning),
        make("p", {}, words),
        retry && make("button", { class: "button plain small", type: "button", click: retry }, texts.errors.retry),
      ),
    );
    this.element.scrollIntoView({ block: "nearest", behavior: "auto" });
  }
}
