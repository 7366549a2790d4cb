// What surrounds the content of every page: the bar with the live balance, and the footer.
import coin from "bootstrap-icons/icons/coin.svg?raw";
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./token-balance";
import { userOf, watchPageAccount } from "./account";
import { icon, make } from "./dom";
import { SUPPORT_URL } from "./links";
import { Notice } from "./notice";
import { signOut, type User } from "./session";
import { texts } from "./texts";

const RELOADED = "reloaded-for-missing-file";

const main = make("main", { id: "content", tabindex: -1 });
const notice = new Notice();

// A tab that stays open during a deployment asks for files that no longer exist. Reload the page, once per session.
window.addEventListener("vite:preloadError", () => {
  if (!navigator.onLine || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
});

/** Builds the page's frame. Returns the <main> to fill. */
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

let pendingSignIn: Promise<User | null> | undefined;

/** Asks the buyer to sign in. Simultaneous calls share one dialog, whose code loads when it is first needed. */
export function askToSignIn(): Promise<User | null> {
  pendingSignIn ??= import("./sign-in")
    .then(({ signIn }) => signIn())
    .finally(() => {
      pendingSignIn = undefined;
    });
  return pendingSignIn;
}

/** Asks the buyer to sign in, and shows an error if that fails. */
export function offerSignIn(): void {
  notice.element.remove();
  askToSignIn().catch((error: unknown) => {
    main.prepend(notice.element);
    notice.show(error);
  });
}

function link(href: string, label: string, isCurrent: boolean): HTMLElement {
  return make("a", { href, "aria-current": isCurrent && "page" }, label);
}

function accountButton(): HTMLElement {
  const button = make("button", {
    class: "button plain small",
    type: "button",
    hidden: true,
    "data-testid": "account",
  });
  let isSignedIn = false;
  button.addEventListener("click", () => {
    if (isSignedIn) void signOut();
    else offerSignIn();
  });
  watchPageAccount((state) => {
    const user = userOf(state);
    isSignedIn = user !== undefined;
    button.hidden = state.status === "loading" && !isSignedIn;
    button.textContent = isSignedIn ? texts.account.signOut : texts.account.signIn;
    button.title = user ? texts.account.signedInAs(user.email ?? user.displayName ?? user.uid) : "";
  });
  return button;
}
