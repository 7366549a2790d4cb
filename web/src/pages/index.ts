// /: the balance, and where to go from here.
import { watchPageAccount } from "../account";
import { coinStack } from "../coins";
import { debtNote } from "../debt";
import { make } from "../dom";
import { offerSignIn, openPage } from "../shell";
import "../styles/outcome.css";
import { texts } from "../texts";

const words = texts.home;
const balance = make("token-balance" as "span", { class: "large", silent: true });
const signedOut = make("p", { class: "lead", hidden: true }, words.signedOut);
const signIn = make(
  "button",
  { class: "button plain", type: "button", hidden: true, click: offerSignIn },
  texts.account.signIn,
);

openPage("index").append(
  make(
    "section",
    { class: "outcome home" },
    coinStack(400, 0, { fit: true }),
    make("h1", {}, words.eyebrow),
    balance,
    debtNote(),
    signedOut,
    make("p", { class: "lead" }, words.lead),
    make(
      "div",
      { class: "actions" },
      make("a", { class: "button primary", href: "/buy-tokens" }, words.buy),
      make("a", { class: "button plain", href: "/transactions" }, words.history),
      signIn,
    ),
  ),
);
watchPageAccount((state) => {
  const isSignedOut = state.status === "signed-out";
  signedOut.hidden = !isSignedOut;
  signIn.hidden = !isSignedOut;
});
