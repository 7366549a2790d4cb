// The sign-in dialog: e-mail and password, Google, and on a developer's machine the demo account.
import close from "bootstrap-icons/icons/x-lg.svg?raw";
import google from "bootstrap-icons/icons/google.svg?raw";
import demo from "bootstrap-icons/icons/stars.svg?raw";
import {
  browserPopupRedirectResolver,
  createUserWithEmailAndPassword,
  GoogleAuthProvider,
  sendPasswordResetEmail,
  signInWithCredential,
  signInWithEmailAndPassword,
  signInWithPopup,
} from "firebase/auth";
import { icon, make } from "./dom";
import { openSession, type User } from "./session";
import { texts } from "./texts";

const words = texts.signIn;

// The account that local/demo_account.py makes; it exists in an emulator only.
const DEMO = { email: "demo@example.com", password: "demo-password" };

// Closing Google's window is no error.
const GIVEN_UP = ["auth/popup-closed-by-user", "auth/cancelled-popup-request", "auth/user-cancelled"];

/** Asks to sign in; answers the user, or null when the dialog is closed without. */
export async function signIn(): Promise<User | null> {
  const { auth, firestoreEmulator: isLocal } = await openSession();
  return new Promise((resolve) => {
    let isNew = false;
    let user: User | null = null;

    const title = make("h2", { id: "sign-in-title" }, words.title);
    const error = make("p", { class: "form-error", role: "alert", "data-testid": "sign-in-error" });
    const info = make("p", { class: "form-info", role: "status" });
    const email = make("input", { id: "email", type: "email", autocomplete: "username", required: true });
    const password = make("input", {
      id: "password",
      type: "password",
      autocomplete: "current-password",
      required: true,
      minlength: 6,
    });
    const hint = make("small", { id: "password-hint", hidden: true }, words.passwordHint);
    const submit = make("button", { class: "button primary wide", type: "submit" }, words.submit);
    const forgot = make("button", { class: "link", type: "button", click: () => void sendReset() }, words.forgot);
    const other = make("button", { class: "link", type: "button", click: () => switchTo(!isNew) }, words.toNew);
    const form = make(
      "form",
      { novalidate: true, submit: onSubmit },
      make("div", { class: "field" }, make("label", { for: "email" }, words.email), email),
      make("div", { class: "field" }, make("label", { for: "password" }, words.password), password, hint),
      error,
      info,
      submit,
      make("div", { class: "form-links" }, other, forgot),
    );
    const dialog = make(
      "dialog",
      { class: "sign-in", "aria-labelledby": "sign-in-title", cancel: stayWhileBusy, close: finish },
      make(
        "div",
        { class: "dialog-head" },
        title,
        make(
          "button",
          { class: "icon-button", type: "button", "aria-label": words.close, click: () => dialog.close() },
          icon(close),
        ),
      ),
      make("p", { class: "quiet" }, words.why),
      isLocal !== undefined &&
        make(
          "div",
          { class: "demo" },
          make(
            "button",
            {
              class: "button brass wide",
              type: "button",
              "data-testid": "demo-sign-in",
              click: () => void attempt(() => signInWithEmailAndPassword(auth, DEMO.email, DEMO.password)),
            },
            icon(demo),
            words.demo,
          ),
          make("small", {}, words.demoHint),
        ),
      make(
        "button",
        { class: "button plain wide", type: "button", "data-testid": "google-sign-in", click: () => void attempt(withGoogle) },
        icon(google),
        words.google,
      ),
      make("p", { class: "or", "aria-hidden": "true" }, words.or),
      form,
    );

    function withGoogle() {
      if (!isLocal) return signInWithPopup(auth, new GoogleAuthProvider(), browserPopupRedirectResolver);
      // The SDK loads Google's own script for a popup, also with the emulator. The emulator takes an unsigned token instead.
      const claims = { sub: "demo-google-user", email: "google-demo@example.com", email_verified: true };
      return signInWithCredential(auth, GoogleAuthProvider.credential(JSON.stringify(claims)));
    }

    function onSubmit(event: Event) {
      event.preventDefault();
      const sign = isNew ? createUserWithEmailAndPassword : signInWithEmailAndPassword;
      void attempt(() => sign(auth, email.value.trim(), password.value));
    }

    async function sendReset() {
      const address = email.value.trim();
      if (!address) {
        info.textContent = "";
        error.textContent = words.forgotNeedsEmail;
        email.focus();
        return;
      }
      await attempt(async () => {
        await sendPasswordResetEmail(auth, address);
        info.textContent = words.forgotSent(address);
        return null;
      });
    }

    async function attempt(sign: () => Promise<{ user: User } | null>) {
      error.textContent = info.textContent = "";
      setBusy(true);
      try {
        user = (await sign())?.user ?? null;
        if (user) dialog.close();
      } catch (cause) {
        const code = (cause as { code?: string }).code ?? "";
        if (!GIVEN_UP.includes(code)) error.textContent = words.errors[code] ?? words.failed;
      } finally {
        setBusy(false);
      }
    }

    function setBusy(busy: boolean) {
      dialog.toggleAttribute("data-busy", busy);
      for (const button of dialog.querySelectorAll<HTMLButtonElement>("button.button")) button.disabled = busy;
    }

    /** Escape would give up what the sign-in is for, while it goes through. */
    function stayWhileBusy(event: Event) {
      if (dialog.hasAttribute("data-busy")) event.preventDefault();
    }

    function switchTo(toNew: boolean) {
      isNew = toNew;
      title.textContent = isNew ? words.titleNew : words.title;
      submit.textContent = isNew ? words.submitNew : words.submit;
      other.textContent = isNew ? words.toKnown : words.toNew;
      password.autocomplete = isNew ? "new-password" : "current-password";
      if (isNew) password.setAttribute("aria-describedby", "password-hint");
      else password.removeAttribute("aria-describedby");
      hint.hidden = !isNew;
      forgot.hidden = isNew;
      error.textContent = info.textContent = "";
    }

    function finish() {
      dialog.remove();
      resolve(user);
    }

    document.body.append(dialog);
    dialog.showModal();
    (isLocal ? dialog.querySelector<HTMLElement>(".demo button") : email)?.focus();
  });
}
