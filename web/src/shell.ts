// Brings the bar and the footer of every page to life: see views/frame.ts.
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/forms.css";
import "./token-balance";
import { nameOf, userOf, watchPageAccount } from "./account";
import { byId, make } from "./dom";
import { Notice } from "./notice";
import { signOut, type User } from "./session";
import { texts } from "./texts";
import { claimWelcome } from "./welcome";

const RELOADED = "reloaded-for-missing-file";
const YEAR_S = 31_536_000;

// A tab that stays open during a deployment asks for files that no longer exist. Reload the page, once per session.
window.addEventListener("vite:preloadError", () => {
  if (!navigator.onLine || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
});

export function startShell(): void {
  for (const button of document.querySelectorAll("#sign-in, [data-sign-in]")) {
    button.addEventListener("click", () => offerSignIn());
  }
  byId("sign-out").addEventListener("click", () => void signOutHere());
  for (const button of document.querySelectorAll<HTMLElement>("[data-language]")) {
    button.addEventListener("click", () => speak(button.lang));
  }
  watchPageAccount((state) => showUser(userOf(state), state.status));
}

/** Says on every page who is signed in. */
function showUser(user: User | undefined, status: string): void {
  byId("sign-in").hidden = user !== undefined || status === "loading";
  byId("account").hidden = user === undefined;
  const name = user ? nameOf(user) : "";
  byId("account").ariaLabel = texts.account.menu(name);
  byId("account-name").textContent = name;
  byId("signed-in-as").hidden = user === undefined;
  byId("signed-in-as").textContent = user ? texts.account.signedInAs(name) : "";
}

let pendingSignIn: Promise<User | null> | undefined;

/** Asks the buyer to sign in, and says why. Simultaneous calls share one dialog, whose code loads when it is first needed. */
export function askToSignIn(reason?: string): Promise<User | null> {
  pendingSignIn ??= import("./sign-in")
    .then(async ({ signIn }) => {
      const user = await signIn(reason);
      if (user) void claimWelcome(user);
      return user;
    })
    .finally(() => {
      pendingSignIn = undefined;
    });
  return pendingSignIn;
}

const signInNotice = new Notice(make("div", { class: "notice-place", role: "alert" }));

/** Asks the buyer to sign in, and shows an error if that fails. */
export function offerSignIn(reason?: string): void {
  signInNotice.element.remove();
  askToSignIn(reason).then(
    (user) => user && keepFocus(),
    (error: unknown) => {
      byId("content").prepend(signInNotice.element);
      signInNotice.show(error);
    },
  );
}

export async function signOutHere(): Promise<void> {
  byId("account-menu").hidePopover();
  await signOut();
  byId("sign-in").focus(); // the button that had the focus is gone
}

/** Signing in removes the button that had the focus: continue at the start of the content. */
function keepFocus(): void {
  const stop = watchPageAccount(({ status }) => {
    if (status === "signed-out") return;
    requestAnimationFrame(() => {
      stop();
      if (document.activeElement === document.body) byId("content").focus({ preventScroll: true });
    });
  });
}

/** Firebase Hosting serves pages in the language of this cookie. */
function speak(language: string): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API isn't in every browser yet
  document.cookie = `firebase-language-override=${language}; path=/; max-age=${YEAR_S}; samesite=lax`;
  location.reload();
}
