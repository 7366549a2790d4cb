// /: the balance, and where to go from here.
import { coinStack } from "../coins";
import { make } from "../dom";
import { texts } from "../texts";
import { actions, debtPlace, link } from "./parts";

const words = texts.home;

export function home(): Node[] {
  return [
    make(
      "section",
      { class: "outcome home" },
      make("div", { id: "stack" }, coinStack(400, 0)),
      make("h1", {}, words.title),
      make(
        "div",
        { class: "have" },
        make("token-balance" as "span", { class: "large", silent: true }),
        make(
          "button",
          { id: "home-sign-in", class: "link", type: "button", hidden: true, "data-sign-in": true },
          words.signedOut,
        ),
      ),
      debtPlace(),
      make("p", { class: "lead" }, words.lead),
      actions(link("/buy-tokens", words.buy, "primary"), link("/transactions", words.history, "plain")),
    ),
  ];
}
