// What the success page shows of a purchase, scene by scene.
import clock from "bootstrap-icons/icons/clock-history.svg?raw";
import hourglass from "bootstrap-icons/icons/hourglass-split.svg?raw";
import people from "bootstrap-icons/icons/people.svg?raw";
import personCheck from "bootstrap-icons/icons/person-check.svg?raw";
import question from "bootstrap-icons/icons/question-lg.svg?raw";
import cross from "bootstrap-icons/icons/x-lg.svg?raw";
import { copyButton } from "./copy-button";
import { make } from "./dom";
import { START_URL, SUPPORT_URL } from "./links";
import type { PurchaseState } from "./purchase";
import { offerSignIn } from "./shell";
import { texts } from "./texts";
import { confirming } from "./views/outcomes";
import { actions, link, sign } from "./views/parts";

const words = texts.success;

type Scene = Exclude<PurchaseState, { stage: "credited" }>;

/** Returns the elements of a scene; `switchAccount` is what its button for another account does. */
export function sceneOf(state: Scene, sessionId: string, switchAccount: () => void): Node[] {
  const reference = () =>
    receipt([row(words.reference, code(sessionId), copyButton(sessionId, words.copyOfReference))]);
  const otherAccount = (look: string) => button(words.switchAccount, look, switchAccount);
  switch (state.stage) {
    case "confirming":
      return confirming();
    case "slow":
      return [
        sign(clock),
        ...message(words.slowTitle, words.slow),
        make("p", { class: "quiet", hidden: state.isFromHere }, words.maybeOtherAccount(state.who)),
        reference(),
        actions(historyLink("plain"), supportLink(), !state.isFromHere && otherAccount("plain")),
      ];
    case "delayed":
      return [
        sign(hourglass),
        ...message(words.delayedTitle, words.delayed),
        reference(),
        actions(link(START_URL, words.start, "primary"), historyLink("plain")),
      ];
    case "failed":
      return [
        sign(cross),
        ...message(words.failedTitle, words.failed),
        reference(),
        actions(link("/buy-tokens", words.tryAgain, "primary"), supportLink()),
      ];
    case "held":
      return [
        sign(personCheck),
        ...message(words.heldTitle, words.held),
        reference(),
        actions(historyLink("plain"), supportLink()),
      ];
    case "rejected":
      return [sign(cross), ...message(words.rejectedTitle, words.rejected), reference(), actions(supportLink())];
    case "unknown":
      return [sign(question), ...message(words.unknownTitle, words.unknown), actions(historyLink("primary"))];
    case "other-account":
      return [
        sign(people),
        ...message(words.otherAccountTitle, words.otherAccount(state.who)),
        actions(otherAccount("primary"), historyLink("plain")),
      ];
    case "signed-out":
      return [
        sign(question),
        ...message(words.signedOutTitle, words.signedOut),
        actions(button(texts.account.signIn, "primary", () => offerSignIn())),
      ];
  }
}

const message = (title: string, text: string) => [make("h1", {}, title), make("p", { class: "lead" }, text)];

const button = (label: string, look: string, click: () => void) =>
  make("button", { class: `button ${look}`, type: "button", click }, label);

const historyLink = (look: string) => link("/transactions", words.history, look);

const supportLink = () => link(SUPPORT_URL, words.support, "plain");

const code = (text: string) => make("code", {}, text);

export const receipt = (rows: HTMLElement[]) => make("dl", { class: "receipt" }, ...rows);

export const row = (term: string, ...content: (Node | string)[]) =>
  make("div", {}, make("dt", {}, term), make("dd", {}, ...content));
