// /token-purchase-cancel: nothing was charged; here is the way back.
import back from "bootstrap-icons/icons/arrow-counterclockwise.svg?raw";
import { buy, lastPackage, needsSignIn } from "../checkout";
import { icon, make } from "../dom";
import { SUPPORT_URL } from "../links";
import { Notice } from "../notice";
import { offerSignIn, openPage } from "../shell";
import "../styles/outcome.css";
import { texts } from "../texts";

const words = texts.cancel;
const notice = new Notice();
const last = lastPackage();

openPage("token-purchase-cancel").append(
  make(
    "section",
    { class: "outcome", "data-testid": "outcome" },
    make("div", { class: "sign" }, icon(back)),
    make("h1", {}, words.title),
    make("p", { class: "lead" }, words.lead),
    notice.element,
    make(
      "div",
      { class: "actions" },
      last !== null && retryButton(last),
      make("a", { class: `button ${last ? "plain" : "primary"}`, href: "/buy-tokens" }, words.all),
    ),
    make("p", { class: "quiet" }, words.help, " ", make("a", { href: SUPPORT_URL }, words.support), "."),
  ),
);

function retryButton(pack: { id: string; name: string }): HTMLElement {
  const button = make(
    "button",
    { class: "button primary", type: "button", "data-testid": "retry" },
    words.retryWith(pack.name),
  );
  const setBusy = (busy: boolean) => {
    button.disabled = busy;
    button.classList.toggle("busy", busy);
    button.textContent = busy ? texts.buy.opening : words.retryWith(pack.name);
  };
  window.addEventListener("pageshow", (event) => event.persisted && setBusy(false));
  button.addEventListener("click", () => {
    notice.clear();
    setBusy(true);
    buy(pack).then(
      (hasStarted) => {
        if (!hasStarted) setBusy(false);
      },
      (error: unknown) => {
        setBusy(false);
        notice.show(error, needsSignIn(error) ? offerSignIn : undefined);
      },
    );
  });
  return button;
}
