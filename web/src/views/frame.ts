// What surrounds the content of every page: the bar and the footer.
import coin from "bootstrap-icons/icons/coin.svg?raw";
import personCircle from "bootstrap-icons/icons/person-circle.svg?raw";
import { icon, make } from "../dom";
import { SUPPORT_URL } from "../links";
import { LANGUAGES, language, texts } from "../texts";

const words = texts.account;

/** Returns the children of <body> around a page's content. */
export function frame(page: string, content: Node[]): Node[] {
  return [
    make("a", { class: "skip", href: "#content" }, texts.skip),
    make("header", { class: "bar" }, brand(), navigation(page), who()),
    make("main", { id: "content", tabindex: -1, class: `page-${page}` }, ...content),
    footer(),
  ];
}

function brand(): HTMLElement {
  return make("a", { class: "brand", href: "/" }, icon(coin, "brand-coin"), make("span", {}, texts.brand));
}

function navigation(page: string): HTMLElement {
  const link = (href: string, label: string) =>
    make("a", { href, "aria-current": href === `/${page}` && "page" }, label);
  return make(
    "nav",
    { "aria-label": texts.nav.label },
    link("/buy-tokens", texts.nav.buy),
    link("/transactions", texts.nav.history),
  );
}

/** Hidden until it is known whether anybody is signed in: see shell.ts. */
function who(): HTMLElement {
  const signIn = { id: "sign-in", class: "button plain small", type: "button", hidden: true, "data-testid": "sign-in" };
  const account = {
    id: "account",
    class: "account",
    type: "button",
    popovertarget: "account-menu",
    hidden: true,
    "data-testid": "account",
  };
  return make(
    "div",
    { class: "who" },
    make("token-balance" as "span", { "data-testid": "balance" }),
    make("button", signIn, words.signIn),
    make("button", account, icon(personCircle), make("span", { id: "account-name" })),
    make(
      "div",
      { id: "account-menu", class: "menu", popover: true },
      make("a", { href: "/account" }, words.settings),
      make("button", { id: "sign-out", type: "button", "data-testid": "sign-out" }, words.signOut),
    ),
  );
}

function footer(): HTMLElement {
  const languages = Object.entries(LANGUAGES).map(([code, { name }]) =>
    make(
      "button",
      { class: "link", type: "button", lang: code, "data-language": code, "aria-current": code === language && "true" },
      name,
    ),
  );
  return make(
    "footer",
    {},
    make("p", {}, texts.footer.promise),
    make("p", { id: "signed-in-as", hidden: true, "data-testid": "signed-in-as" }),
    make("div", { class: "languages", role: "group", "aria-label": texts.footer.language }, ...languages),
    make("p", {}, make("a", { href: SUPPORT_URL }, texts.footer.support)),
  );
}
