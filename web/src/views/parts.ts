// Pieces that several pages share.
import { icon, make } from "../dom";
import { texts } from "../texts";

/** Where a page says what went wrong: see notice.ts. */
export const noticePlace = () =>
  make("div", { id: "notice", class: "notice-place", role: "alert", "data-testid": "notice" });

/** Explains a balance below zero, or one that is partly reserved: see debt.ts. */
export const debtPlace = () => make("p", { id: "debt", class: "lead", hidden: true, "data-testid": "debt" });

/** What a page shows instead of its content when nobody is signed in. */
export const signedOutPlace = (title: string) =>
  make(
    "div",
    { id: "signed-out", class: "empty", hidden: true },
    make("p", {}, title),
    make("button", { class: "button primary", type: "button", "data-sign-in": true }, texts.account.signIn),
  );

export const pageHead = (title: string, lead: string, ...more: Node[]) =>
  make("div", { class: "page-head" }, make("h1", {}, title), make("p", { class: "lead" }, lead), ...more);

export const sign = (svgText: string) => make("div", { class: "sign" }, icon(svgText));

export const actions = (...children: (Node | false)[]) => make("div", { class: "actions" }, ...children);

export const link = (href: string, label: string, look: string) => make("a", { class: `button ${look}`, href }, label);
