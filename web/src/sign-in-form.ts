// Email and password: for signing in, and for a new account.
import { make } from "./dom";
import { texts } from "./texts";

const words = texts.signIn;

export interface Credentials {
  email: string;
  password: string;
  isNew: boolean;
}

export type Field = "email" | "password";

interface SignInFormEvents {
  submit(credentials: Credentials): void;
  resetPassword(email: string): void;
  modeChanged(isNew: boolean): void;
}

export class SignInForm {
  readonly element: HTMLFormElement;
  readonly #events: SignInFormEvents;
  readonly #fields = {
    email: make("input", { id: "email", type: "email", autocomplete: "username", required: true }),
    password: make("input", { id: "password", type: "password", autocomplete: "current-password", required: true }),
  };
  readonly #hint = make("small", { id: "password-hint", hidden: true }, words.passwordHint);
  readonly #error = make("p", {
    id: "sign-in-error",
    class: "form-error",
    role: "alert",
    "data-testid": "sign-in-error",
  });
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
    const { email, password } = this.#fields;
    this.element = make(
      "form",
      { novalidate: true, submit: (event) => this.#onSubmit(event) },
      make("div", { class: "field" }, make("label", { for: "email" }, words.email), email),
      make("div", { class: "field" }, make("label", { for: "password" }, words.password), password, this.#hint),
      this.#error,
      this.#info,
      this.#submit,
      make("div", { class: "form-links" }, this.#other, this.#forgot),
    );
  }

  focus(): void {
    this.#fields.email.focus();
  }

  inform(message: string): void {
    this.#info.textContent = message;
  }

  /** Says what went wrong, marks the fields that it is about, and moves to the first of them. */
  fail(message: string, fields: Field[] = []): void {
    this.#error.textContent = message;
    for (const name of fields) this.#fields[name].ariaInvalid = "true";
    this.#describe();
    const [first] = fields;
    if (first) this.#fields[first].focus();
  }

  clearMessages(): void {
    this.inform("");
    this.#error.textContent = "";
    for (const field of Object.values(this.#fields)) field.ariaInvalid = null;
    this.#describe();
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    const email = this.#fields.email.value.trim();
    const password = this.#fields.password.value;
    this.clearMessages();
    if (!email) this.fail(words.missingEmail, ["email"]);
    else if (password) this.#events.submit({ email, password, isNew: this.#isNew });
    else this.fail(words.missingPassword, ["password"]);
  }

  #resetPassword(): void {
    const email = this.#fields.email.value.trim();
    this.clearMessages();
    if (email) this.#events.resetPassword(email);
    else this.fail(words.missingEmail, ["email"]);
  }

  #setNew(isNew: boolean): void {
    this.#isNew = isNew;
    const { submit, other, autocomplete } = isNew
      ? { submit: words.submitNew, other: words.toKnown, autocomplete: "new-password" as const }
      : { submit: words.submit, other: words.toNew, autocomplete: "current-password" as const };
    this.#submit.textContent = submit;
    this.#other.textContent = other;
    this.#fields.password.autocomplete = autocomplete;
    this.#hint.hidden = !isNew;
    this.#forgot.hidden = isNew;
    this.clearMessages();
    this.#events.modeChanged(isNew);
  }

  /** Names what describes each field: its error and its hint. */
  #describe(): void {
    for (const [name, field] of Object.entries(this.#fields)) {
      const isHinted = this.#isNew && name === "password";
      const ids = [field.ariaInvalid === "true" && this.#error.id, isHinted && this.#hint.id].filter(Boolean);
      if (ids.length > 0) field.setAttribute("aria-describedby", ids.join(" "));
      else field.removeAttribute("aria-describedby");
    }
  }
}
