import check from "bootstrap-icons/icons/check-lg.svg?raw";
import clipboard from "bootstrap-icons/icons/copy.svg?raw";
import { icon, make } from "./dom";
import { texts } from "./texts";

const SHOWN_MS = 2_000;

/** A button that copies a text and confirms it. */
export function copyButton(text: string, label: string): HTMLElement {
  const confirmation = make("span", { class: "copied", role: "status" });
  const button = make(
    "button",
    { class: "icon-button", type: "button", "aria-label": label, title: label },
    icon(clipboard),
  );
  button.addEventListener("click", () => {
    void navigator.clipboard.writeText(text).then(() => {
      button.replaceChildren(icon(check));
      confirmation.textContent = texts.success.copied;
      window.setTimeout(() => {
        button.replaceChildren(icon(clipboard));
        confirmation.textContent = "";
      }, SHOWN_MS);
    });
  });
  return make("span", { class: "copy" }, button, confirmation);
}
