// The pages after Stripe's: /token-purchase-success, whose scenes follow the purchase, and /token-purchase-cancel.
import back from "bootstrap-icons/icons/arrow-counterclockwise.svg?raw";
import compass from "bootstrap-icons/icons/compass.svg?raw";
import { coinStack } from "../coins";
import { make } from "../dom";
import { SUPPORT_URL } from "../links";
import { texts } from "../texts";
import { actions, link, noticePlace, sign } from "./parts";

/** What the success page shows until it knows more. */
export const confirming = () => [
  make("div", { class: "minting" }, coinStack(110, 0, { fit: true })),
  make("h1", {}, texts.success.waitingTitle),
  make("p", { class: "lead" }, texts.success.waiting),
];

export const success = (): Node[] => [
  make(
    "section",
    { id: "outcome", class: "outcome confirming", tabindex: -1, "aria-live": "polite", "data-testid": "outcome" },
    ...confirming(),
  ),
];

export function cancel(): Node[] {
  const words = texts.cancel;
  const retry = { id: "retry", class: "button primary", type: "button", hidden: true, "data-testid": "retry" };
  return [
    make(
      "section",
      { class: "outcome", "data-testid": "outcome" },
      sign(back),
      make("h1", {}, words.title),
      make("p", { class: "lead" }, words.lead),
      noticePlace(),
      actions(make("button", retry), link("/buy-tokens", words.all, "plain")),
      make("p", { class: "quiet" }, words.help, " ", make("a", { href: SUPPORT_URL }, words.support), "."),
    ),
  ];
}

export function notFound(): Node[] {
  const words = texts.notFound;
  return [
    make(
      "section",
      { class: "outcome" },
      sign(compass),
      make("h1", {}, words.title),
      make("p", { class: "lead" }, words.lead),
      actions(link("/", words.home, "primary")),
    ),
  ];
}
