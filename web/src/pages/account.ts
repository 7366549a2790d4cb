// /account: who is signed in, and forms to change the email or the password.
import "../styles/outcome.css";
import "../styles/account.css";
import {
  EmailAuthProvider,
  reauthenticateWithCredential,
  updatePassword,
  verifyBeforeUpdateEmail,
} from "firebase/auth";
import { nameOf, userOf, watchPageAccount } from "../account";
import { byId, isBusy, setBusy } from "../dom";
import { currentUser, type User } from "../session";
import { signOutHere, startShell } from "../shell";
import { texts } from "../texts";

const words = texts.accountPage;
const PASSWORD = "password"; // what Firebase calls signing in with email and password

startShell();
byId("account-sign-out").addEventListener("click", () => void signOutHere());
onSubmit("change-email", "email-password", "new-email", async (user, email) => {
  await verifyBeforeUpdateEmail(user, email);
  return words.emailSent(email);
});
onSubmit("change-password", "old-password", "new-password", async (user, password) => {
  await updatePassword(user, password);
  return words.passwordChanged;
});
watchPageAccount((state) => {
  const user = userOf(state);
  byId("signed-out").hidden = state.status !== "signed-out";
  byId("details").hidden = user === undefined;
  if (!user) return;
  const methods = user.providerData.map(({ providerId }) => providerId);
  byId("account-email").textContent = nameOf(user);
  byId("account-method").textContent = methods.map((method) => words.methods[method] ?? method).join(", ");
  byId("password-forms").hidden = !methods.includes(PASSWORD);
  byId("google-hint").hidden = methods.includes(PASSWORD);
});

type Change = (user: User, value: string) => Promise<string>;

/** Runs a change when its form is submitted, after the current password has been checked. */
function onSubmit(formId: string, passwordId: string, valueId: string, change: Change): void {
  const form = byId<HTMLFormElement>(formId);
  const submit = form.querySelector("button") as HTMLElement;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isBusy(submit)) return;
    setBusy(submit, true);
    void submitted(form, passwordId, valueId, change).finally(() => setBusy(submit, false));
  });
}

async function submitted(form: HTMLFormElement, passwordId: string, valueId: string, change: Change): Promise<void> {
  const password = byId<HTMLInputElement>(passwordId);
  const value = byId<HTMLInputElement>(valueId);
  const message = form.querySelector(".form-message") as HTMLElement;
  message.textContent = "";
  for (const field of [password, value]) showError(field, "");
  try {
    const user = await currentUser();
    if (!user?.email) return;
    await reauthenticateWithCredential(user, EmailAuthProvider.credential(user.email, password.value));
    message.textContent = await change(user, value.value.trim());
    form.reset();
  } catch (error) {
    const code = (error as { code?: string }).code ?? "";
    showError(WRONG_PASSWORD.includes(code) ? password : value, textOf(code));
  }
}

const WRONG_PASSWORD = ["auth/wrong-password", "auth/invalid-credential", "auth/missing-password"];

function textOf(code: string): string {
  return WRONG_PASSWORD.includes(code) ? words.wrongPassword : (texts.signIn.errors[code] ?? words.failed);
}

/** Shows an error beside its field and moves there; "" takes it away. */
function showError(field: HTMLInputElement, message: string): void {
  const error = byId(`${field.id}-error`);
  error.textContent = message;
  field.ariaInvalid = message ? "true" : null;
  if (message) {
    field.setAttribute("aria-describedby", error.id);
    field.focus();
  } else {
    field.removeAttribute("aria-describedby");
  }
}
