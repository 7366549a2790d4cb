// The sign-in dialog: email and password, Google, and on a developer's machine the demo account.

import googleIcon from "bootstrap-icons/icons/google.svg?raw";
import demoIcon from "bootstrap-icons/icons/stars.svg?raw";
import closeIcon from "bootstrap-icons/icons/x-lg.svg?raw";
import {
  type Auth,
  browserPopupRedirectResolver,
  createUserWithEmailAndPassword,
  GoogleAuthProvider,
  sendPasswordResetEmail,
  signInWithCredential,
  signInWithEmailAndPassword,
  signInWithPopup,
} from "firebase/auth";
import { icon, make, setBusy } from "./dom";
import { openSession, type User } from "./session";
import { type Credentials, type Field, SignInForm } from "./sign-in-form";
import { texts } from "./texts";

const words = texts.signIn;

// The account that local/demo_account.py creates; it exists only in an emulator.
const DEMO = { email: "demo@example.com", password: "demo-password" };
const DEMO_GOOGLE = { sub: "demo-google-user", email: "google-demo@example.com", email_verified: true };

// Closing Google's window is not an error.
const CLOSED_BY_USER = ["auth/popup-closed-by-user", "auth/cancelled-popup-request", "auth/user-cancelled"];

// The fields that an error is about.
const CREDENTIALS: Field[] = ["password", "email"];
const FIELDS: Record<string, Field[]> = {
  "auth/invalid-credential": CREDENTIALS,
  "auth/wrong-password": CREDENTIALS,
  "auth/user-not-found": CREDENTIALS,
  "auth/invalid-email": ["email"],
  "auth/email-already-in-use": ["email"],
  "auth/weak-password": ["password"],
  "auth/password-does-not-meet-requirements": ["password"],
};

/** Asks the buyer to sign in, and says why. Returns the user, or null if they close the dialog. */
export async function signIn(reason: string = words.why): Promise<User | null> {
  const { auth, firestoreEmulator } = await openSession();
  return new SignInDialog(auth, firestoreEmulator !== undefined, reason).ask();
}

class SignInDialog {
  readonly #auth: Auth;
  readonly #isLocal: boolean;
  readonly #title = make("h2", { id: "sign-in-title" }, words.title);
  readonly #form = new SignInForm({
    submit: (credentials) => void this.#attempt(() => this.#withPassword(credentials)),
    resetPassword: (email) => void this.#resetPassword(email),
    modeChanged: (isNew) => {
      this.#title.textContent = isNew ? words.titleNew : words.title;
    },
  });
  readonly #dialog: HTMLDialogElement;
  #user: User | null = null;

  constructor(auth: Auth, isLocal: boolean, reason: string) {
    this.#auth = auth;
    this.#isLocal = isLocal;
    this.#dialog = this.#build(reason);
  }

  ask(): Promise<User | null> {
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        this.#dialog.remove();
        resolve(this.#user);
      });
      document.body.append(this.#dialog);
      this.#dialog.showModal();
      if (this.#isLocal) this.#dialog.querySelector<HTMLElement>(".demo button")?.focus();
      else this.#form.focus();
    });
  }

  #build(reason: string): HTMLDialogElement {
    const close = {
      class: "icon-button",
      type: "button",
      "aria-label": words.close,
      click: () => this.#dialog.close(),
    };
    const google = {
      class: "button plain wide",
      type: "button",
      "data-testid": "google-sign-in",
      click: () => void this.#attempt(() => this.#withGoogle()),
    };
    return make(
      "dialog",
      { class: "sign-in", "aria-labelledby": "sign-in-title", cancel: (event) => this.#stayWhileBusy(event) },
      make("div", { class: "dialog-head" }, this.#title, make("button", close, icon(closeIcon))),
      make("p", { class: "quiet" }, reason),
      this.#isLocal && this.#demo(),
      make("button", google, icon(googleIcon), words.google),
      make("p", { class: "or", "aria-hidden": "true" }, words.or),
      this.#form.element,
    );
  }

  #demo(): HTMLElement {
    const signInAsDemo = {
      class: "button brass wide",
      type: "button",
      "data-testid": "demo-sign-in",
      click: () => void this.#attempt(() => signInWithEmailAndPassword(this.#auth, DEMO.email, DEMO.password)),
    };
    return make(
      "div",
      { class: "demo" },
      make("button", signInAsDemo, icon(demoIcon), words.demo),
      make("small", {}, words.demoHint),
    );
  }

  #withPassword({ email, password, isNew }: Credentials) {
    return isNew
      ? createUserWithEmailAndPassword(this.#auth, email, password)
      : signInWithEmailAndPassword(this.#auth, email, password);
  }

  #withGoogle() {
    if (!this.#isLocal) return signInWithPopup(this.#auth, new GoogleAuthProvider(), browserPopupRedirectResolver);
    // For a popup the SDK loads Google's own script, even with the emulator, which also accepts an unsigned token.
    return signInWithCredential(this.#auth, GoogleAuthProvider.credential(JSON.stringify(DEMO_GOOGLE)));
  }

  #resetPassword(email: string): Promise<void> {
    return this.#attempt(async () => {
      await sendPasswordResetEmail(this.#auth, email);
      this.#form.inform(words.forgotSent(email));
      return null;
    });
  }

  async #attempt(action: () => Promise<{ user: User } | null>): Promise<void> {
    if (this.#dialog.hasAttribute("data-busy")) return;
    this.#form.clearMessages();
    this.#setBusy(true);
    try {
      this.#user = (await action())?.user ?? null;
      if (this.#user) this.#dialog.close();
    } catch (cause) {
      const code = (cause as { code?: string }).code ?? "";
      if (!CLOSED_BY_USER.includes(code)) this.#form.fail(words.errors[code] ?? words.failed, FIELDS[code]);
    } finally {
      this.#setBusy(false);
    }
  }

  #setBusy(isBusy: boolean): void {
    this.#dialog.toggleAttribute("data-busy", isBusy);
    for (const button of this.#dialog.querySelectorAll<HTMLElement>("button.button")) setBusy(button, isBusy);
  }

  /** Pressing Escape during a sign-in would cancel whatever the sign-in is for. */
  #stayWhileBusy(event: Event): void {
    if (this.#dialog.hasAttribute("data-busy")) event.preventDefault();
  }
}
