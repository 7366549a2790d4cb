// What every page has around its content: the bar with the live balance, the footer.
import coin from "bootstrap-icons/icons/coin.svg?raw";
import "./styles/base.css";
import "./styles/parts.css";
import "./token-balance";
import { type AccountState, watch } from "./account";
import { icon, make } from "./dom";
import { SUPPORT_URL } from "./links";
import { Notice } from "./notice";
import { signOut, type User } from "./session";
import { texts } from "./texts";

const RELOADED = "reloaded-for-a-lost-file";

const main = make("main", { id: "content", tabindex: -1 });
const notice = new Notice();

// A tab left open over a deployment asks for files that are gone: the page is fetched anew, once a session.
window.addEventListener("vite:preloadError", () => {
  if (!navigator.onLine || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
});

/** Builds the page's frame, and returns the <main> to fill. */
export function openPage(page: string): HTMLElement {
  main.className = `page-${page}`;
  document.body.prepend(
    make("a", { class: "skip", href: "#content" }, texts.skip),
    make(
      "header",
      { class: "bar" },
      make("a", { class: "brand", href: "/" }, icon(coin, "brand-coin"), make("span", {}, texts.brand)),
      make(
        "nav",
        { "aria-label": texts.nav.label },
        link("/buy-tokens", texts.nav.buy, page === "buy-tokens"),
        link("/transactions", texts.nav.history, page === "transactions"),
      ),
      make("div", { class: "who" }, make("token-balance" as "span", { "data-testid": "balance" }), accountButton()),
    ),
    main,
    make(
      "footer",
      {},
      make("p", {}, texts.footer.promise),
      make("p", {}, make("a", { href: SUPPORT_URL }, texts.footer.support)),
    ),
  );
  return main;
}

let asking: Promise<User | null> | undefined;

/** Asks to sign in, in one dialog however often it is called; the dialog comes with its own part of the program. */
export function askToSignIn(): Promise<User | null> {
  asking ??= import("./sign-in")
    .then(({ signIn }) => signIn())
    .finally(() => (asking = undefined));
  return asking;
}

/** Asks to sign in for no purpose but that, and says when it cannot be done. */
export function offerSignIn(): void {
  notice.element.remove();
  askToSignIn().catch((error: unknown) => {
    main.prepend(notice.element);
    notice.show(error);
  });
}

function link(href: string, words: string, isHere: boolean): HTMLElement {
  return make("a", { href, "aria-current": isHere && "page" }, words);
}

function accountButton(): HTMLElement {
  const button = make("button", { class: "button plain small", type: "button", hidden: true, "data-testid": "account" });
  let isSignedIn = false;
  button.addEventListener("click", () => {
    if (isSignedIn) void signOut();
    else offerSignIn();
  });
  watch((state) => {
    const user = userOf(state);
    isSignedIn = user !== undefined;
    button.hidden = state.is === "loading" && !isSignedIn;
    button.textContent = isSignedIn ? texts.account.signOut : texts.account.signIn;
    button.title = user ? texts.account.signedInAs(user.email ?? user.displayName ?? user.uid) : "";
  });
  return button;
}

export function userOf(state: AccountState) {
  return state.is === "signed-out" ? undefined : state.user;
}
