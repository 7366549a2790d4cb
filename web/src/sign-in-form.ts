// Email and password: for signing in, and for a new account.
import { make } from "./dom";
import { texts } from "./texts";

const words = texts.signIn;

export interface Credentials {
  email: string;
  password: string;
  isNew: boolean;
}

interface SignInFormEvents {
  submit(credentials: Credentials): void;
  resetPassword(email: string): void;
  modeChanged(isNew: boolean): void;
}

export class SignInForm {
  readonly element: HTMLFormElement;
  readonly #events: SignInFormEvents;
  readonly #email = make("input", { id: "email", type: "email", autocomplete: "username", required: true });
  readonly #password = make("input", {
    id: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
    minlength: 6,
  });
  readonly #hint = make("small", { id: "password-hint", hidden: true }, words.passwordHint);
  readonly #error = make("p", { class: "form-error", role: "alert", "data-testid": "sign-in-error" });
  readonly #info = make("p", { class: "form-info", role: "status" });
  readonly #submit = make("button", { class: "button primary wide", type: "submit" }, words.submit);
  readonly #other = make(
    "button",
    { class: "link", type: "button", click: () => this.#setNew(!this.#isNew) },
    words.toNew,
  );
  readonly #forgot = make(
    "button",
    { class: "link", type: "button", click: () => this.#resetPassword() },
    words.forgot,
  );
  #isNew = false;

  constructor(events: SignInFormEvents) {
    this.#events = events;
    this.element = make(
      "form",
      { novalidate: true, submit: (event) => this.#onSubmit(event) },
      make("div", { class: "field" }, make("label", { for: "email" }, words.email), this.#email),
      make("div", { class: "field" }, make("label", { for: "password" }, words.password), this.#password, this.#hint),
      this.#error,
      this.#info,
      this.#submit,
      make("div", { class: "form-links" }, this.#other, this.#forgot),
    );
  }

  focus(): void {
    this.#email.focus();
  }

  inform(message: string): void {
    this.#info.textContent = message;
  }

  fail(message: string): void {
    this.#error.textContent = message;
  }

  clearMessages(): void {
    this.inform("");
    this.fail("");
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    this.#events.submit({ email: this.#email.value.trim(), password: this.#password.value, isNew: this.#isNew });
  }

  #resetPassword(): void {
    const email = this.#email.value.trim();
    if (email) {
      this.#events.resetPassword(email);
    } else {
      this.inform("");
      this.fail(words.forgotNeedsEmail);
      this.#email.focus();
    }
  }

  #setNew(isNew: boolean): void {
    this.#isNew = isNew;
    const { submit, other, autocomplete } = isNew
      ? { submit: words.submitNew, other: words.toKnown, autocomplete: "new-password" as const }
      : { submit: words.submit, other: words.toNew, autocomplete: "current-password" as const };
    this.#submit.textContent = submit;
    this.#other.textContent = other;
    this.#password.autocomplete = autocomplete;
    if (isNew) this.#password.setAttribute("aria-describedby", this.#hint.id);
    else this.#password.removeAttribute("aria-describedby");
    this.#hint.hidden = !isNew;
    this.#forgot.hidden = isNew;
    this.clearMessages();
    this.#events.modeChanged(isNew);
  }
}
