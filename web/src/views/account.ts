// /account: who is signed in, and forms to change how.
import { make } from "../dom";
import { texts } from "../texts";
import { noticePlace, pageHead, signedOutPlace } from "./parts";

const words = texts.accountPage;

export function account(): Node[] {
  return [
    pageHead(words.title, words.lead),
    noticePlace(),
    signedOutPlace(words.signedOutTitle),
    make(
      "div",
      { id: "details", hidden: true },
      make(
        "dl",
        { class: "receipt" },
        row(words.email, make("dd", { id: "account-email", "data-testid": "account-email" })),
        row(words.method, make("dd", { id: "account-method" })),
      ),
      make("p", { id: "google-hint", class: "quiet", hidden: true }, words.googleHint),
      make("div", { id: "password-forms", class: "account-forms", hidden: true }, changeEmail(), changePassword()),
      make(
        "p",
        { class: "actions" },
        make("button", { id: "account-sign-out", class: "button plain", type: "button" }, texts.account.signOut),
      ),
    ),
  ];
}

const row = (term: string, description: HTMLElement) => make("div", {}, make("dt", {}, term), description);

function changeEmail(): HTMLElement {
  return form(
    "change-email",
    words.changeEmail,
    words.sendLink,
    field("new-email", words.newEmail, { type: "email", autocomplete: "email" }),
    field("email-password", words.currentPassword, { type: "password", autocomplete: "current-password" }),
  );
}

function changePassword(): HTMLElement {
  return form(
    "change-password",
    words.changePassword,
    words.save,
    field("old-password", words.currentPassword, { type: "password", autocomplete: "current-password" }),
    field("new-password", words.newPassword, { type: "password", autocomplete: "new-password", minlength: 6 }),
  );
}

function form(id: string, title: string, submit: string, ...fields: HTMLElement[]): HTMLElement {
  return make(
    "form",
    { id, class: "card", novalidate: true, "data-testid": id },
    make("h2", {}, title),
    ...fields,
    make("p", { class: "form-message", role: "status" }),
    make("button", { class: "button primary", type: "submit" }, submit),
  );
}

function field(id: string, label: string, attributes: Record<string, string | number>): HTMLElement {
  return make(
    "div",
    { class: "field" },
    make("label", { for: id }, label),
    make("input", { id, required: true, ...attributes }),
    make("p", { id: `${id}-error`, class: "form-error" }),
  );
}
